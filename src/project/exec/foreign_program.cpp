#include "project/exec/foreign_program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/processes/process_group.hpp"
#include "base/strings.hpp"

namespace consort::project {

namespace {

constexpr std::size_t output_limit = std::size_t{4} << 20;
constexpr std::size_t errors_limit = 2048;
constexpr std::size_t error_lines = 10;
constexpr std::chrono::seconds grace{10};  // between SIGTERM and SIGKILL

std::string value_of(const compose::StringMap& environment, const std::string& key) {
  const auto found = environment.find(key);
  return found == environment.end() ? std::string() : found->second;
}

bool is_program(const std::string& path) {
  const auto about = stat_path(path);
  return about && S_ISREG(about->st_mode) && ::access(path.c_str(), X_OK) == 0;
}

std::vector<std::string> plugin_directories(const compose::StringMap& environment) {
  std::vector<std::string> directories;
  std::string config = value_of(environment, "DOCKER_CONFIG");
  if (const std::string home = value_of(environment, "HOME"); config.empty() && !home.empty())
    config = join_path(home, ".docker");
  if (!config.empty()) {
    if (const auto text = read_file(join_path(config, "config.json"), output_limit))
      if (const auto settings = parse_json(*text, "config.json"))
        directories = get_strings(*settings, "cliPluginsExtraDirs");
    directories.push_back(join_path(config, "cli-plugins"));
  }
  for (const char* directory : {"/usr/local/lib/docker/cli-plugins", "/usr/local/libexec/docker/cli-plugins",
                                "/usr/lib/docker/cli-plugins", "/usr/libexec/docker/cli-plugins"})
    directories.emplace_back(directory);
  return directories;
}

// On a terminal, Ctrl-C also reaches the program and everything that it has started, as long as these stay in our
// process group.
bool on_a_terminal() {
  return Fd(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)).get() >= 0;
}

// Keeps the end of the output in bounded memory.
void append_tail(std::string& tail, std::string_view more) {
  tail += more;
  if (tail.size() > 2 * errors_limit) tail.erase(0, tail.size() - errors_limit);
}

std::string last_lines(std::string_view tail) {
  tail = trim(tail);
  if (tail.size() > errors_limit) tail.remove_prefix(tail.size() - errors_limit);
  std::vector<std::string> lines = split(tail, '\n');
  if (lines.size() > error_lines) lines.erase(lines.begin(), lines.end() - error_lines);
  return legible(join(lines, "\n"));
}

class Listener {
 public:
  Listener(const ForeignProgram& program, const std::function<Result<>(std::string_view)>& take,
           const Cancellation& cancel)
      : program_(program), take_(take), cancel_(cancel) {}

  Result<ProgramEnd> run() {
    TRY(start());
    while (out_ || err_) {
      const bool ended = TRY(wait());
      if (ended) break;
    }
    return finish();
  }

 private:
  Result<> start() {
    Pipe out = TRY(make_pipe());
    Pipe err = TRY(make_pipe());
    SpawnOptions options;
    options.argv = {program_.path};
    options.argv.insert(options.argv.end(), program_.arguments.begin(), program_.arguments.end());
    for (const auto& [key, value] : program_.environment) options.environment.push_back(key + "=" + value);
    options.directory = program_.directory;
    options.out = out.write.get();
    options.err = err.write.get();
    own_group_ = !on_a_terminal();
    child_ = own_group_ ? TRY(spawn_group(options)) : TRY(spawn(options));
    exited_ = TRY(open_pidfd(child_.pid()));
    out_ = std::move(out.read);
    err_ = std::move(err.read);
    return {};
  }

  // True: the program has ended. Processes that it left running may hold its output open forever, so only what is
  // already in the pipe is read then.
  Result<bool> wait() {
    std::array<pollfd, 4> fds{pollfd{out_.get(), POLLIN, 0}, pollfd{err_.get(), POLLIN, 0},
                              pollfd{exited_.get(), POLLIN, 0}, pollfd{cancel_.user_fd(), POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0) {
      if (errno == EINTR) return false;
      return fail_errno("wait for", program_.path);
    }
    if (fds[3].revents) return end_early();
    if (fds[0].revents) TRY(read_output());
    if (fds[1].revents) TRY(read_errors());
    return !fds[0].revents && !fds[1].revents && fds[2].revents != 0;
  }

  Result<> read_output() {
    const std::string_view piece = TRY(read_piece(out_));
    if (piece.empty()) return {};
    Result<> taken = take_(piece);
    if (!taken) signal_all(SIGTERM);
    return taken;
  }

  Result<> read_errors() {
    append_tail(errors_, TRY(read_piece(err_)));
    return {};
  }

  Result<std::string_view> read_piece(Fd& from) {
    const std::size_t got = TRY(read_some(from.get(), std::as_writable_bytes(std::span(buffer_))));
    if (got == 0) from.reset();
    return std::string_view(buffer_.data(), got);
  }

  void signal_all(int number) { (void)::kill(own_group_ ? -child_.pid() : child_.pid(), number); }

  std::unexpected<Error> end_early() {
    signal_all(SIGTERM);
    const auto deadline = std::chrono::steady_clock::now() + grace;
    pollfd exited{exited_.get(), POLLIN, 0};
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      const int count = ::poll(&exited, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
      if (count < 0 && errno == EINTR) continue;
      if (count == 0) signal_all(SIGKILL);
      break;
    }
    return fail(Code::interrupted, "interrupted");
  }

  Result<ProgramEnd> finish() {
    pollfd exited{exited_.get(), POLLIN, 0};
    pollfd asked{cancel_.user_fd(), POLLIN, 0};
    std::array<pollfd, 2> fds{exited, asked};
    while (::poll(fds.data(), fds.size(), -1) < 0)
      if (errno != EINTR) return fail_errno("wait for", program_.path);
    if (!fds[0].revents) return end_early();
    ProgramEnd end;
    end.status = TRY(child_.wait());
    end.last_errors = last_lines(errors_);
    return end;
  }

  const ForeignProgram& program_;
  const std::function<Result<>(std::string_view)>& take_;
  const Cancellation& cancel_;
  ChildGuard child_;
  bool own_group_ = false;
  Fd exited_, out_, err_;
  std::string errors_;
  std::array<char, 16384> buffer_{};
};

}  // namespace

std::optional<std::string> find_docker_plugin(const std::string& name, const compose::StringMap& environment) {
  if (name.empty() || name.find('/') != std::string::npos) return std::nullopt;
  for (const std::string& directory : plugin_directories(environment))
    if (std::string path = join_path(directory, "docker-" + name); is_program(path)) return path;
  return std::nullopt;
}

std::optional<std::string> find_in_path(const std::string& name, const compose::StringMap& environment,
                                        const std::string& directory) {
  if (name.empty()) return std::nullopt;
  if (name.find('/') != std::string::npos) {
    std::string path = join_path(directory, name);
    return is_program(path) ? std::optional(std::move(path)) : std::nullopt;
  }
  // With a relative entry in PATH, the working directory would decide which program runs.
  for (const std::string& entry : split(value_of(environment, "PATH"), ':'))
    if (std::string path = join_path(entry, name); entry.starts_with('/') && is_program(path)) return path;
  return std::nullopt;
}

Result<ProgramEnd> listen_to(const ForeignProgram& program, const std::function<Result<>(std::string_view)>& take,
                             const Cancellation& cancel) {
  return Listener(program, take, cancel).run();
}

Result<ProgramOutput> output_of(const ForeignProgram& program, const Cancellation& cancel) {
  ProgramOutput output;
  const auto take = [&output](std::string_view piece) -> Result<> {
    if (output.text.size() < output_limit) output.text += piece;
    return {};
  };
  output.end = TRY(listen_to(program, take, cancel));
  return output;
}

std::string end_in_words(const ExitStatus& status) {
  if (status.signal == 0) return "exit status " + std::to_string(status.code);
  const char* name = ::sigdescr_np(status.signal);
  return "signal " + std::to_string(status.signal) + (name ? " (" + to_lower(name) + ")" : "");
}

std::string legible(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // C1 control characters are two bytes in UTF-8; the second byte is 0x80 to 0x9f.
    const bool upper = byte == 0xc2 && i + 1 < text.size() && (static_cast<unsigned char>(text[i + 1]) & 0xe0) == 0x80;
    if (upper) ++i;
    if (upper || byte == 0x7f || (byte < 0x20 && byte != '\n' && byte != '\t')) continue;
    result += text[i];
  }
  return result;
}

}  // namespace consort::project

#include "project/exec/hooks.hpp"

#include <poll.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <span>

#include "base/os/files/file.hpp"

namespace consort::project {

namespace {

constexpr std::size_t longest_hook_line = std::size_t{1} << 20;
constexpr int most_reads_after_end = 256;  // of one page each: the capacity of a pipe

using TellLine = std::function<void(const engine::LogLine& line)>;

// Splits output into lines; an overlong line is reported in parts.
class HookLines {
 public:
  explicit HookLines(const TellLine& tell) : tell_(tell) {}

  void take(std::string_view piece) {
    rest_ += piece;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1)
      tell(std::string_view(rest_).substr(begin, end - begin));
    rest_.erase(0, begin);
    if (rest_.size() >= longest_hook_line) flush();
  }

  void flush() {
    if (!rest_.empty()) tell(rest_);
    rest_.clear();
  }

 private:
  void tell(std::string_view text) { tell_({.time = system_now(), .text = text}); }

  const TellLine& tell_;
  std::string rest_;
};

Result<> pass_on(Fd& from, HookLines& to) {
  std::array<char, 4096> buffer{};
  const std::size_t got = TRY(read_some(from.get(), std::as_writable_bytes(std::span(buffer))));
  if (got == 0) from.reset();
  to.take({buffer.data(), got});
  return {};
}

// Reports output until the hook has ended. Processes that it left running may hold its output open forever, so only
// what is already in the pipe is reported then.
Result<> listen_to_hook(engine::Exec& process, const TellLine& tell, const Cancellation& cancel) {
  engine::ExecStreams streams = process.take_streams();
  streams.in.reset();
  HookLines out(tell), err(tell);
  int left = most_reads_after_end;
  while (true) {
    std::array<pollfd, 4> fds{pollfd{streams.out.get(), POLLIN, 0}, pollfd{streams.err.get(), POLLIN, 0},
                              pollfd{process.fd(), POLLIN, 0}, pollfd{cancel.user_fd(), POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return fail_errno("poll");
    }
    if (fds[3].revents) {
      (void)process.kill(SIGKILL);
      return fail(Code::interrupted, "interrupted");
    }
    if (fds[0].revents) TRY(pass_on(streams.out, out));
    if (fds[1].revents) TRY(pass_on(streams.err, err));
    const bool silent = !fds[0].revents && !fds[1].revents;
    if (fds[2].revents && (silent || --left == 0)) break;
  }
  out.flush();
  err.flush();
  return {};
}

Result<int> run_hook(engine::Engine& engine, const std::string& container, const compose::Hook& hook,
                     const TellLine& tell, const Cancellation& cancel) {
  engine::ExecSpec spec;
  spec.argv = hook.command.value_or(compose::Strings{});
  spec.user = hook.user;
  spec.working_dir = hook.working_dir;
  spec.privileged = hook.privileged;
  spec.streams = tell != nullptr;
  for (const auto& [key, value] : hook.environment) spec.environment.push_back(value ? key + "=" + *value : key);
  auto process = TRY(engine.exec(container, spec));
  TRY(listen_to_hook(process, tell, cancel));
  return process.wait();
}

// For `run`, a command that ends before its hooks is not an error: it has done what the user asked for.
bool is_over(engine::Engine& engine, const std::string& container) {
  const auto details = engine.inspect(container);
  return details ? details->oneoff && !details->state.running() : details.error().code() == Code::not_found;
}

// When the container ends, its namespaces and the hook end a moment before its exit is known.
bool is_over_soon(engine::Engine& engine, const std::string& container, const Cancellation& cancel) {
  constexpr int most_looks = 100, pause_ms = 20;
  const auto details = engine.inspect(container);
  if (details && !details->oneoff) return false;
  for (int looks = 0; looks < most_looks; ++looks) {
    if (is_over(engine, container)) return true;
    pollfd user{cancel.user_fd(), POLLIN, 0};
    if (::poll(&user, 1, pause_ms) > 0) return false;
  }
  return false;
}

}  // namespace

Result<> run_hooks(Session& session, const Operation& operation, const std::vector<compose::Hook>& hooks,
                   const RunDetail& detail, const Cancellation& cancel) {
  const std::string& container = operation.object_id.empty() ? operation.target : operation.object_id;
  TellLine tell;
  if (detail.on_hook_line) {
    const auto about = session.engine.inspect(container);
    const std::string source = (about ? short_name(*about) : operation.target) + " ->";
    tell = [&detail, &operation, source](const engine::LogLine& line) {
      detail.on_hook_line(operation.service, source, line);
    };
  }
  for (const compose::Hook& hook : hooks) {
    Result<int> code = run_hook(session.engine, container, hook, tell, cancel);
    if (code && *code == 0) continue;
    const bool cut_off = !code || *code > 128;
    if (cut_off ? is_over_soon(session.engine, container, cancel) : is_over(session.engine, container)) return {};
    if (!code) return fail(std::move(code).error());
    return fail(Code::conflict, operation.service + " hook exited with status " + std::to_string(*code));
  }
  return {};
}

}  // namespace consort::project

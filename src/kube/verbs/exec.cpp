// Runs commands in containers.
#include <poll.h>

#include <array>
#include <cerrno>

#include "base/json.hpp"
#include "base/os/fd.hpp"
#include "base/strings.hpp"
#include "kube/kinds.hpp"
#include "kube/verbs.hpp"

namespace consort::kube {

namespace {

constexpr std::size_t most_errors = 4096;

// Reads a line with a length and then that many bytes, repeatedly, and passes the bytes on until the length is 0.
// `read` consumes nothing beyond its line, and `dd` nothing beyond its count.
constexpr const char* uncount =
    "while read -r n && [ \"$n\" -gt 0 ]; do dd bs=\"$n\" count=1 iflag=fullblock 2>/dev/null; done | ";

std::string shell_text(const std::vector<std::string>& command) {
  std::string text;
  for (const std::string& word : command) text += (text.empty() ? "" : " ") + shell_quote(word);
  return text;
}

class Relay {
 public:
  Relay(Session& session, Channels& channels, int input, const OnOutput& out)
      : session_(session), channels_(channels), input_(input), out_(out) {}

  Result<Ran> run() {
    while (!ended_) {
      for (const Channels::Message& message : TRY(channels_.receive())) TRY(take(message));
      if (ended_) break;
      if (channels_.closed())
        return fail(Error(Code::lost, "run the command").why("the cluster closed the connection"));
      std::array<pollfd, 3> fds{pollfd{channels_.fd(), channels_.events(), 0},
                                pollfd{channels_.busy() ? -1 : input_, POLLIN, 0},
                                pollfd{session_.cancel.fd(), POLLIN, 0}};
      if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return fail_errno("wait for the command");
      if (fds[2].revents) return fail(Code::interrupted, "stop");
      if (fds[1].revents) TRY(send_input());
    }
    return ran_;
  }

 private:
  Result<> take(const Channels::Message& message) {
    if (message.channel == Channels::output && out_) TRY(out_(message.payload));
    if (message.channel == Channels::errors) {
      ran_.errors += message.payload;
      if (ran_.errors.size() > most_errors) ran_.errors.erase(0, ran_.errors.size() - most_errors);
    }
    if (message.channel == Channels::status) {
      ran_.code = TRY(exit_code_of(message.payload));
      ended_ = true;
    }
    return {};
  }

  Result<> send_input() {
    std::array<std::byte, 64 * 1024> buffer;
    const std::size_t got = TRY(read_some(input_, buffer));
    if (got > 0)
      return channels_.send(Channels::input, std::string_view(reinterpret_cast<const char*>(buffer.data()), got));
    input_ = -1;
    return channels_.finish(Channels::input);
  }

  Session& session_;
  Channels& channels_;
  int input_;
  const OnOutput& out_;
  Ran ran_;
  bool ended_ = false;
};

}  // namespace

Result<Channels> exec(Session& session, const PodState& pod, const ExecOptions& options) {
  const bool stream = options.input == ExecOptions::Input::stream;
  const bool counted = stream && TRY(minor_version(session.client)) < minor_with_ends;
  Query query{{"container", pod.container}, {"stdout", "true"}};
  if (options.input != ExecOptions::Input::none) query.emplace_back("stdin", "true");
  query.emplace_back(options.tty ? "tty" : "stderr", "true");
  std::vector<std::string> command = options.command;
  if (counted) command = {"sh", "-c", uncount + shell_text(command)};
  for (const std::string& word : command) query.emplace_back("command", word);
  Channels channels =
      TRY(session.client.open(with_query(path_of("v1", "Pod", session.space, pod.name) + "/exec", query)));
  if (counted) channels.count_input();
  return channels;
}

Result<Ran> exec_through(Session& session, const PodState& pod, std::vector<std::string> command, int input,
                         const OnOutput& out) {
  const auto how = input < 0 ? ExecOptions::Input::none : ExecOptions::Input::stream;
  Channels channels = TRY(exec(session, pod, {.command = std::move(command), .tty = false, .input = how}));
  return Relay(session, channels, input, out).run();
}

Result<std::string> exec_capture(Session& session, const PodState& pod, std::vector<std::string> command) {
  constexpr std::size_t most = 16U << 20;
  std::string text;
  const Ran ran = TRY(exec_through(session, pod, std::move(command), -1, [&](std::string_view bytes) -> Result<> {
    if (text.size() + bytes.size() > most) return fail(Code::invalid, "read the command's output");
    text += bytes;
    return {};
  }));
  if (ran.code == 0) return text;
  return fail(
      Error(Code::io, "run a command in pod " + pod.name)
          .why(ran.errors.empty() ? "it exited with code " + std::to_string(ran.code) : std::string(trim(ran.errors))));
}

}  // namespace consort::kube

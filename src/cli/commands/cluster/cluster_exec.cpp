// exec on a cluster: connects our standard streams to the channels of a WebSocket.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/detach_keys.hpp"
#include "base/strings.hpp"
#include "cli/commands/cluster/cluster.hpp"
#include "cli/commands/project/run_values.hpp"
#include "cli/commands/project/selection.hpp"
#include "cli/relay/terminal_mode.hpp"
#include "cli/render/lost_output.hpp"
#include "cli/signals.hpp"
#include "kube/one_off.hpp"
#include "kube/verbs.hpp"

namespace consort::cli {

namespace {

using kube::Channels;

enum class Other : std::uint8_t { command, container };

class ClusterRelay {
 public:
  ClusterRelay(Channels& channels, const project::Cancellation& cancel, Other other)
      : channels_(channels), cancel_(cancel), other_(other) {}

  // When the user types these keys, the relay ends and the container keeps running.
  void detach_with(DetachKeys keys) { keys_ = std::move(keys); }
  bool detached() const { return detached_; }

  // first: input that has been read already.
  Result<int> run(bool tty, bool input, std::string_view first) {
    std::optional<RawTerminal> raw;
    int window = -1;
    if (tty) {
      raw.emplace();
      window = TRY(window_descriptor());
      TRY(send_size());
    }
    if (!first.empty()) TRY(channels_.send(Channels::input, first));
    int in = input ? STDIN_FILENO : -1;
    while (!code_) {
      Result<> taken = take_messages();
      if (!taken && taken.error().code() == Code::interrupted) return interrupted_status;
      TRY(std::move(taken));
      if (code_) break;
      if (channels_.closed() && other_ == Other::container) return 0;  // an attached container reports no exit code
      if (channels_.closed())
        return fail(Error(Code::lost, "run the command").why("the cluster closed the connection"));
      std::array<pollfd, 4> fds{pollfd{channels_.fd(), channels_.events(), 0},
                                pollfd{channels_.busy() ? -1 : in, POLLIN, 0}, pollfd{window, POLLIN, 0},
                                pollfd{cancel_.user_fd(), POLLIN, 0}};
      if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return fail_errno("poll");
      if (fds[3].revents) return interrupted_status;
      if (fds[2].revents) {
        char byte = 0;
        (void)!::read(window, &byte, 1);
        TRY(send_size());
      }
      if (fds[1].revents && !TRY(send_input())) in = -1;
      if (detached_) return 0;
    }
    return *code_;
  }

 private:
  Result<> take_messages() {
    for (const Channels::Message& message : TRY(channels_.receive())) {
      if (message.channel == Channels::output) TRY(write_until_interrupted(STDOUT_FILENO, message.payload));
      if (message.channel == Channels::errors) TRY(write_until_interrupted(STDERR_FILENO, message.payload));
      if (message.channel == Channels::status) code_ = TRY(kube::exit_code_of(message.payload));
    }
    return {};
  }

  // Returns false at the end of the input.
  Result<bool> send_input() {
    std::array<std::byte, 8192> buffer;
    const std::size_t got = TRY(read_some(STDIN_FILENO, buffer));
    if (got == 0) {
      TRY(channels_.finish(Channels::input));
      return false;
    }
    std::string_view typed(reinterpret_cast<const char*>(buffer.data()), got);
    DetachKeys::Filtered filtered;
    if (keys_) {
      filtered = keys_->feed(typed);
      detached_ = filtered.detached;
      typed = filtered.text;
    }
    if (!typed.empty()) TRY(channels_.send(Channels::input, typed));
    return true;
  }

  Result<> send_size() {
    const engine::TerminalSize size = terminal_size();
    if (size.columns == 0) return {};
    return channels_.send(Channels::resize, "{\"Width\":" + std::to_string(size.columns) +
                                                ",\"Height\":" + std::to_string(size.rows) + "}");
  }

  Channels& channels_;
  const project::Cancellation& cancel_;
  Other other_;
  std::optional<DetachKeys> keys_;
  bool detached_ = false;
  std::optional<int> code_;
};

// The input that is available now; nullopt if it has ended, so that the command need not wait for any.
Result<std::optional<std::string>> read_ahead() {
  pollfd ready{STDIN_FILENO, POLLIN, 0};
  if (::poll(&ready, 1, 0) <= 0) return std::string();
  std::array<std::byte, 8192> buffer;
  const auto got = read_some(STDIN_FILENO, buffer);
  if (!got || *got == 0) return std::nullopt;  // a closed descriptor counts as no input
  return std::string(reinterpret_cast<const char*>(buffer.data()), *got);
}

// Environment, directory and the like are not part of the API, so env and a shell in the container set them.
Result<std::vector<std::string>> command_of(const Invocation& invocation) {
  std::vector<std::string> command(invocation.arguments.begin() + 1, invocation.arguments.end());
  const std::vector<std::string> variables =
      TRY(with_lines_of(invocation.flags.list("env-file"), invocation.flags.list("env")));
  const std::string directory = invocation.flags.text("workdir");
  if (!variables.empty()) {
    std::vector<std::string> with{"env"};
    for (const std::string& each : variables)
      if (each.contains('=')) with.push_back(each);
    command.insert(command.begin(), with.begin(), with.end());
  }
  if (directory.empty()) return command;
  std::string text = "cd " + shell_quote(directory) + " && exec";
  for (const std::string& word : command) text += " " + shell_quote(word);
  return std::vector<std::string>{"sh", "-c", text};
}

}  // namespace

Result<int> relay_terminal(Channels& channels, const project::Cancellation& cancel) {
  return ClusterRelay(channels, cancel, Other::container).run(true, true, {});
}

Result<int> cluster_attach(Invocation& invocation, const ClusterTarget& target) {
  const ParsedFlags& flags = invocation.flags;
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterWorkspace::Need::name));
  kube::Session& session = workspace->session();
  const kube::PodState pod = TRY(kube::one_pod(session, invocation.arguments[0], index_of(invocation)));
  const bool input = pod.input && !flags.on("no-stdin");
  const bool tty = pod.tty && input && invocation.terminal.in_is_terminal;
  using kube::Attached;
  const Attached to = !input ? Attached::output : pod.tty ? Attached::terminal : Attached::both;
  Channels channels = TRY(kube::attach(session, pod, to));
  ClusterRelay relay(channels, session.cancel, Other::container);
  if (tty) relay.detach_with(TRY(DetachKeys::parse(flags.text("detach-keys"))));
  const int code = TRY(relay.run(tty, input, {}));
  if (code != 0 || relay.detached()) return code;
  return kube::exit_code_after(session, pod);
}

Result<int> cluster_exec(Invocation& invocation, const ClusterTarget& target) {
  const ParsedFlags& flags = invocation.flags;
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterWorkspace::Need::name));
  kube::Session& session = workspace->session();
  const kube::PodState pod = TRY(kube::one_pod(session, invocation.arguments[0], index_of(invocation)));
  const bool unwanted = flags.on("no-tty") || flags.on("no-TTY");
  const bool tty = !unwanted && invocation.terminal.in_is_terminal && invocation.terminal.out_is_terminal;
  if (invocation.dry_run) return 0;
  std::optional<std::string> first = std::string();
  if (!tty) first = TRY(read_ahead());
  using enum kube::ExecOptions::Input;
  Channels channels = TRY(kube::exec(session, pod,
                                     {.command = TRY(command_of(invocation)),
                                      .tty = tty,
                                      .input = tty                 ? open
                                               : first.has_value() ? stream
                                                                   : none}));
  return ClusterRelay(channels, session.cancel, Other::command).run(tty, first.has_value(), first.value_or(""));
}

}  // namespace consort::cli

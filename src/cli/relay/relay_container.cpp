#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/os/fd.hpp"
#include "cli/relay/relay.hpp"
#include "cli/relay/terminal_mode.hpp"
#include "cli/signals.hpp"
#include "project/exec/watching.hpp"
#include "supervisor/log.hpp"

namespace consort::cli {

namespace {

class ContainerRelay {
 public:
  ContainerRelay(engine::Engine& engine, const AttachRelay& relay, int interrupt_fd)
      : engine_(engine), relay_(relay), interrupt_fd_(interrupt_fd), keys_(relay.detach_keys) {}

  Result<RelayEnd> run() {
    watch_ = TRY(engine_.watch(relay_.project));
    reader_.emplace(TRY(engine_.log_path(relay_.id)), supervisor::LogReadOptions{.since = relay_.since});
    const int log = TRY(reader_->watch_fd());
    TRY(connect());
    std::optional<RawTerminal> raw;
    if (relay_.tty && input_ >= 0) raw.emplace();
    int window = -1;
    if (relay_.tty) window = TRY(window_descriptor());
    if (relay_.tty && relay_.take_size) resize();
    if (TRY(ended())) return finish();
    std::array<pollfd, 5> fds{pollfd{log, POLLIN, 0}, pollfd{watch_->fd(), POLLIN, 0},
                              pollfd{input_ >= 0 ? STDIN_FILENO : -1, POLLIN, 0}, pollfd{window, POLLIN, 0},
                              pollfd{relay_.signals ? interrupt_fd_ : -1, POLLIN, 0}};
    TRY(show());
    while (true) {
      if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return fail_errno("poll");
      if (fds[0].revents) {
        reader_->acknowledge();
        TRY(show());
      }
      if (fds[1].revents && TRY(changed())) return finish();
      fds[1].fd = watch_->fd();
      if (fds[2].revents) {
        if (TRY(typed())) return RelayEnd{.detached = true};
        if (input_ < 0) fds[2].fd = -1;
      }
      if (fds[3].revents) {
        take(window);
        resize();
      }
      if (fds[4].revents) pass_on(take(interrupt_fd_));
    }
  }

 private:
  static int take(int fd) {
    unsigned char number = 0;
    return ::read(fd, &number, 1) == 1 ? number : 0;
  }

  // A process that has ended already takes no input: what it wrote is still shown.
  Result<> connect() {
    if (!relay_.with_input) return {};
    auto attachment = engine_.attach(relay_.id);
    if (!attachment) return {};
    attachment_ = std::move(*attachment);
    input_ = attachment_.terminal ? attachment_.terminal.get() : attachment_.input.get();
    return {};
  }

  void resize() {
    if (const engine::TerminalSize size = terminal_size(); size.columns > 0)
      (void)engine_.resize_terminal(relay_.id, size);
  }

  void pass_on(int signal) {
    if (signal == SIGINT || signal == SIGTERM)
      (void)engine_.kill_container(relay_.id, signal == SIGINT ? "INT" : "TERM");
  }

  Result<> show() {
    Result<> outcome;
    supervisor::LogReader::LineHandler handler = [&](const supervisor::LogLine& line) {
      const int to = line.stream == supervisor::LogStream::err && !relay_.tty ? STDERR_FILENO : STDOUT_FILENO;
      std::string text(line.text);
      if (line.complete) text += '\n';
      if (Result<> written = write_full(to, text); !written && outcome) outcome = std::move(written);
    };
    TRY(reader_->read(handler));
    reader_->flush(handler);
    return outcome;
  }

  // True: the keys to detach were typed.
  Result<bool> typed() {
    std::array<std::byte, 16384> buffer{};
    const auto count = read_some(STDIN_FILENO, buffer);
    if (!count || *count == 0) {
      if (!relay_.tty) attachment_ = {};
      input_ = -1;
      return false;
    }
    const std::string_view text{reinterpret_cast<const char*>(buffer.data()), *count};
    if (!relay_.tty) {
      if (!write_full(input_, text)) input_ = -1;  // the process has closed its input
      return false;
    }
    const auto filtered = keys_.feed(text);
    if (!write_full(input_, filtered.text)) input_ = -1;
    return filtered.detached;
  }

  static bool is_over(const engine::ContainerState& state) {
    return state.status == engine::Status::exited || state.status == engine::Status::dead;
  }

  Result<bool> ended() {
    const auto details = engine_.inspect(relay_.id);
    if (!details && details.error().code() == Code::not_found) return true;
    if (!details) return fail(Code::io, "look at container " + relay_.id + ": " + details.error().message());
    code_ = details->state.exit_code.value_or(0);
    return is_over(details->state);
  }

  Result<bool> changed() {
    while (true) {
      auto change = project::next_change(*watch_);
      if (!change && change.error().code() == Code::not_found) {
        watch_ = TRY(engine_.watch(relay_.project));
        return TRY(ended()) || watch_->fd() < 0;
      }
      if (!change) return fail(std::move(change).error());
      if (!*change) return false;
      if ((*change)->id != relay_.id) continue;
      if ((*change)->gone) return true;
      if (!is_over((*change)->state)) continue;
      code_ = (*change)->state.exit_code.value_or(0);
      return true;
    }
  }

  Result<RelayEnd> finish() {
    TRY(show());
    return RelayEnd{.exit_code = code_};
  }

  engine::Engine& engine_;
  const AttachRelay& relay_;
  int interrupt_fd_;
  DetachKeys keys_;
  std::unique_ptr<engine::Watch> watch_;
  std::optional<supervisor::LogReader> reader_;
  engine::Attachment attachment_;
  int input_ = -1;
  int code_ = 0;
};

}  // namespace

Result<RelayEnd> relay_container(engine::Engine& engine, const AttachRelay& relay, int interrupt_fd) {
  return ContainerRelay(engine, relay, interrupt_fd).run();
}

}  // namespace consort::cli

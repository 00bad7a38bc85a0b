#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/os/fd.hpp"
#include "cli/relay/relay.hpp"
#include "cli/relay/terminal_mode.hpp"
#include "cli/signals.hpp"

namespace consort::cli {

namespace {

std::optional<int> take_signal(int interrupt_fd) {
  unsigned char number = 0;
  return ::read(interrupt_fd, &number, 1) == 1 ? std::optional<int>(number) : std::nullopt;
}

}  // namespace

Result<int> relay_exec_terminal(engine::Exec& exec, int interrupt_fd) {
  const RawTerminal raw;
  const int window = TRY(window_descriptor());
  if (const engine::TerminalSize size = terminal_size(); size.columns > 0) (void)exec.resize(size);
  DetachKeys keys;
  std::array<pollfd, 4> fds{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{exec.terminal(), POLLIN, 0},
                            pollfd{window, POLLIN, 0}, pollfd{interrupt_fd, POLLIN, 0}};
  std::array<std::byte, 16384> buffer{};
  while (true) {
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return fail_errno("poll");
    if (fds[1].revents) {
      const auto count = read_some(exec.terminal(), buffer);
      if (!count || *count == 0) break;  // EIO: nobody has the terminal open any more
      TRY(write_full(STDOUT_FILENO, std::span(buffer).first(*count)));
    }
    if (fds[0].revents) {
      const auto count = read_some(STDIN_FILENO, buffer);
      if (!count || *count == 0) {
        fds[0].fd = -1;
        continue;
      }
      const auto typed = keys.feed({reinterpret_cast<const char*>(buffer.data()), *count});
      TRY(write_full(exec.terminal(), typed.text));
      if (typed.detached) return 0;
    }
    if (fds[2].revents) {
      take_signal(window);
      (void)exec.resize(terminal_size());
    }
    if (fds[3].revents)
      if (const auto number = take_signal(interrupt_fd)) (void)exec.kill(*number);
  }
  return exec.wait();
}

Result<int> await_exec(engine::Exec& exec, int interrupt_fd) {
  std::array<pollfd, 2> fds{pollfd{exec.fd(), POLLIN, 0}, pollfd{interrupt_fd, POLLIN, 0}};
  while (true) {
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return fail_errno("poll");
    if (fds[0].revents) return exec.wait();
    if (fds[1].revents)
      if (const auto number = take_signal(interrupt_fd)) (void)exec.kill(*number);
  }
}

}  // namespace consort::cli

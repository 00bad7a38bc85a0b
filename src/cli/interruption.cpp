#include "cli/interruption.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>

#include "base/os/stop_event.hpp"

namespace consort::cli {

namespace {

constexpr int interrupted_status = 130;

// True for an interrupt, false when nobody wants to know any more.
bool next_interrupt(int fd, const StopEvent& over) {
  std::array<pollfd, 2> waits{pollfd{fd, POLLIN, 0}, pollfd{over.fd(), POLLIN, 0}};
  while (::poll(waits.data(), waits.size(), -1) < 0) continue;
  if (waits[1].revents) return false;
  std::byte signal{};
  (void)read_some(fd, std::span(&signal, 1));
  return true;
}

}  // namespace

Result<CancelOnInterrupt> CancelOnInterrupt::start(int interrupt_fd, const project::Cancellation& cancel) {
  std::stop_source over;
  StopEvent event = TRY(StopEvent::of(over.get_token()));
  std::jthread watcher(
      [interrupt_fd, &cancel, over = std::move(over), event = std::move(event)](const std::stop_token& ended) mutable {
        const std::stop_callback forward(ended, [&over] { over.request_stop(); });
        if (!next_interrupt(interrupt_fd, event)) return;
        cancel.request();
        if (next_interrupt(interrupt_fd, event)) ::_exit(interrupted_status);
      });
  return CancelOnInterrupt(std::move(watcher));
}

}  // namespace consort::cli

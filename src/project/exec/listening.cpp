#include "project/exec/listening.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <cstdint>

namespace consort::project {

namespace {

// A signal handler can only reach globals.
std::atomic<int> listeners = 0;
static_assert(std::atomic<int>::is_always_lock_free);

}  // namespace

Listening::Listening() {
  ++listeners;
}
Listening::~Listening() {
  --listeners;
}
bool Listening::anybody() {
  return listeners.load() > 0;
}

void take_interrupt(int interrupt_fd) {
  std::byte signal{};
  (void)read_some(interrupt_fd, std::span(&signal, 1));
}

Result<std::unique_ptr<OnInterrupt>> OnInterrupt::create(int interrupt_fd, std::function<void()> action) {
  Fd done(::eventfd(0, EFD_CLOEXEC));
  if (!done) return fail_errno("eventfd");
  return std::unique_ptr<OnInterrupt>(new OnInterrupt(interrupt_fd, std::move(done), std::move(action)));
}

Result<std::unique_ptr<OnInterrupt>> cancel_on_interrupt(int interrupt_fd, const Cancellation& cancel) {
  return OnInterrupt::create(interrupt_fd, [&cancel] { cancel.request(Cancellation::By::user); });
}

OnInterrupt::OnInterrupt(int interrupt_fd, Fd done, std::function<void()> action)
    : interrupt_fd_(interrupt_fd),
      done_(std::move(done)),
      action_(std::move(action)),
      listening_(std::in_place),
      thread_([this] { wait(); }) {}

OnInterrupt::~OnInterrupt() {
  const std::uint64_t one = 1;
  (void)write_full(done_.get(), std::as_bytes(std::span(&one, 1)));
  thread_.join();
}

void OnInterrupt::wait() {
  std::array<pollfd, 2> fds{pollfd{interrupt_fd_, POLLIN, 0}, pollfd{done_.get(), POLLIN, 0}};
  while (::poll(fds.data(), fds.size(), -1) < 0) continue;
  if (!(fds[0].revents & POLLIN)) return;
  take_interrupt(interrupt_fd_);
  listening_.reset();
  action_();
}

}  // namespace consort::project

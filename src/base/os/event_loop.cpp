#include "base/os/event_loop.hpp"

#include <array>
#include <cerrno>
#include <climits>

namespace consort {

Result<EventLoop> EventLoop::create() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) return fail_errno("create epoll");
  return EventLoop(Fd(fd));
}

Result<EventLoop::Token> EventLoop::add(int fd, std::uint32_t events, Handler handler) {
  const Token token = next_++;
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("watch descriptor");
  watches_.emplace(token, Watch{fd, std::make_shared<Handler>(std::move(handler))});
  return token;
}

Result<> EventLoop::modify(Token token, std::uint32_t events) {
  const auto found = watches_.find(token);
  if (found == watches_.end()) return fail(Code::internal, "modify watch");
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, found->second.fd, &event) != 0) return fail_errno("modify watch");
  return {};
}

void EventLoop::remove(Token token) {
  const auto found = watches_.find(token);
  if (found == watches_.end()) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.fd, nullptr);
  watches_.erase(found);
}

EventLoop::Token EventLoop::at(Clock::time_point when, TimerHandler handler) {
  const Token token = next_++;
  timers_.emplace(when, Timer{token, std::move(handler)});
  return token;
}

void EventLoop::cancel(Token timer) {
  std::erase_if(timers_, [timer](const auto& entry) { return entry.second.token == timer; });
}

int EventLoop::wait_milliseconds(Clock::duration limit) const {
  if (!timers_.empty()) limit = std::min(limit, timers_.begin()->first - Clock::now());
  if (limit == Clock::duration::max()) return -1;
  if (limit <= Clock::duration::zero()) return 0;
  // Rounded up, or the loop would spin through the last millisecond.
  const auto whole = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
  return whole > INT_MAX ? INT_MAX : static_cast<int>(whole);
}

void EventLoop::fire_timers() {
  const Clock::time_point now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    auto node = timers_.extract(timers_.begin());
    node.mapped().handler();
  }
}

Result<> EventLoop::run_once(Clock::duration limit) {
  std::array<epoll_event, 64> events;
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_milliseconds(limit));
  if (count < 0 && errno != EINTR) return fail_errno("wait for events");
  if (count > 0) ++wakeups_;
  for (int i = 0; i < count; ++i) {
    const auto found = watches_.find(events[static_cast<std::size_t>(i)].data.u64);
    if (found == watches_.end()) continue;  // removed by an earlier handler of this batch
    const std::shared_ptr<Handler> handler = found->second.handler;
    (*handler)(events[static_cast<std::size_t>(i)].events);
  }
  fire_timers();
  return {};
}

Result<> EventLoop::run() {
  stopped_ = false;
  while (!stopped_) TRY(run_once());
  return {};
}

}  // namespace consort

#include "base/os/loop/event_loop.hpp"

#include <array>
#include <cerrno>
#include <climits>

namespace consort {
namespace {

constexpr std::chrono::milliseconds between_urgent_looks{1};

}  // namespace

Result<EventLoop> EventLoop::create() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) return fail_errno("create epoll");
  EventLoop loop{Fd(fd)};
  loop.watch_ = HandlerWatch::from_environment();
  return loop;
}

Result<> EventLoop::open_urgent() {
  if (urgent_) return {};
  Fd made(::epoll_create1(EPOLL_CLOEXEC));
  if (!made) return fail_errno("create epoll");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = 0;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, made.get(), &event) != 0) return fail_errno("watch descriptor");
  urgent_ = std::move(made);
  return {};
}

Result<EventLoop::Token> EventLoop::add(int fd, std::uint32_t events, Handler handler, Turn turn) {
  if (turn == Turn::urgent) TRY(open_urgent());
  const Token token = next_++;
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  if (::epoll_ctl(epoll_of(turn), EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("watch descriptor");
  watches_.emplace(token, Watch{fd, turn, std::make_shared<Handler>(std::move(handler))});
  return token;
}

Result<> EventLoop::modify(Token token, std::uint32_t events) {
  const auto found = watches_.find(token);
  if (found == watches_.end()) return fail(Code::internal, "modify watch");
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  if (::epoll_ctl(epoll_of(found->second.turn), EPOLL_CTL_MOD, found->second.fd, &event) != 0)
    return fail_errno("modify watch");
  return {};
}

void EventLoop::remove(Token token) {
  const auto found = watches_.find(token);
  if (found == watches_.end()) return;
  ::epoll_ctl(epoll_of(found->second.turn), EPOLL_CTL_DEL, found->second.fd, nullptr);
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
  // Rounded up; otherwise the loop would spin through the last millisecond.
  const auto whole = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
  return whole > INT_MAX ? INT_MAX : static_cast<int>(whole);
}

void EventLoop::fire_timers() {
  const Clock::time_point now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    auto node = timers_.extract(timers_.begin());
    if (watch_) watch_->begin();
    node.mapped().handler();
    after_handler();
  }
}

// Between two handlers: checks for urgent events, if any could have arrived since the last check.
void EventLoop::after_handler() {
  if (watch_) watch_->end();
  if (!urgent_ || Clock::now() - urgent_seen_ < between_urgent_looks) return;
  (void)dispatch(urgent_.get(), 0);
}

Result<int> EventLoop::dispatch(int epoll, int limit_ms) {
  std::array<epoll_event, 64> events;
  const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), limit_ms);
  if (count < 0 && errno != EINTR) return fail_errno("wait for events");
  const bool urgent = epoll == urgent_.get();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == 0) {
      (void)dispatch(urgent_.get(), 0);
      continue;
    }
    const auto found = watches_.find(event.data.u64);
    if (found == watches_.end()) continue;  // removed by an earlier handler of this batch
    const std::shared_ptr<Handler> handler = found->second.handler;
    if (watch_) watch_->begin();
    (*handler)(event.events);
    if (!urgent)
      after_handler();
    else if (watch_)
      watch_->end();
  }
  if (urgent) urgent_seen_ = Clock::now();
  return count;
}

Result<> EventLoop::run_once(Clock::duration limit) {
  if (TRY(dispatch(epoll_.get(), wait_milliseconds(limit))) > 0) ++wakeups_;
  fire_timers();
  return {};
}

Result<> EventLoop::run() {
  stopped_ = false;
  while (!stopped_) TRY(run_once());
  return {};
}

}  // namespace consort

#include "supervisor/container/foreign_end.hpp"

#include <utility>

#include "base/os/processes/foreign_exit.hpp"
#include "base/os/processes/process.hpp"

namespace consort::supervisor {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// For exits visible only in the kernel's accounting of reaped processes: the new parent of an orphan may be slow to
// reap it.
constexpr milliseconds between_looks_for_reaper{10}, longest_wait_for_reaper{1000};

}  // namespace

ForeignEnd::ForeignEnd(EventLoop& loop, Process process, Told told)
    : loop_(loop), process_(process), told_(std::move(told)) {
  const auto watch = loop_.add(process_.pidfd, EPOLLIN, [this](std::uint32_t) {
    loop_.remove(std::exchange(watch_, 0));
    await_status(steady_clock::now() + longest_wait_for_reaper);
  });
  if (watch)
    watch_ = *watch;
  else
    await_unwatched();
}

ForeignEnd::~ForeignEnd() {
  loop_.remove(watch_);
  loop_.cancel(timer_);
}

void ForeignEnd::await_status(steady_clock::time_point deadline) {
  const std::optional<int> status = foreign_wait_status(process_.pidfd, process_.pid, process_.started);
  if (status || steady_clock::now() >= deadline) return std::exchange(told_, {})(status);
  timer_ = loop_.after(between_looks_for_reaper, [this, deadline] { await_status(deadline); });
}

// It ended and was reaped between two checks. If our keeper reaped it, its report is on the way and arrives first;
// otherwise there will never be a report.
void ForeignEnd::await_unwatched() {
  timer_ = loop_.after(longest_wait_for_reaper, [this] {
    const auto begun = process_start_time(process_.pid);
    if (begun && *begun == process_.started) return await_unwatched();
    std::exchange(told_, {})(std::nullopt);
  });
}

}  // namespace consort::supervisor

#include "supervisor/internal/stopper.hpp"

#include <signal.h>

#include "base/os/process.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/inspect.hpp"

namespace consort::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A shell as first process goes on to its next command when the one it waited for has ended; so the container is looked
// at again before its first process is given up.
constexpr milliseconds after_others{30};
// What ignores the signal or dies of it does so at once.
constexpr milliseconds to_die{150};
constexpr milliseconds between_looks{500};

}  // namespace

Stopper::Stopper(EventLoop& loop, Target target, OnSignal on_signal)
    : loop_(loop), target_(std::move(target)), on_signal_(std::move(on_signal)) {}

Stopper::~Stopper() {
  forget_others();
  loop_.cancel(deadline_timer_);
  loop_.cancel(round_timer_);
}

void Stopper::forget_others() {
  for (auto& [pid, other] : others_) loop_.remove(other.watch);
  others_.clear();
}

void Stopper::arm() {
  loop_.cancel(deadline_timer_);
  deadline_timer_ = 0;
  if (target_.deadline) deadline_timer_ = loop_.at(*target_.deadline, [this] { kill_now(); });
}

void Stopper::begin() {
  if (target_.deadline && *target_.deadline <= steady_clock::now()) return kill_now();
  arm();
  const auto disposition = runtime::signal_disposition(target_.pid, target_.signal);
  (void)send_signal(target_.pidfd, target_.signal);
  on_signal_(target_.signal);
  if (disposition && *disposition == runtime::SignalDisposition::cannot_hear) round();
}

void Stopper::hurry(std::optional<Time> deadline) {
  if (!deadline || (target_.deadline && *target_.deadline <= *deadline)) return;
  target_.deadline = deadline;
  if (*deadline <= steady_clock::now()) return kill_now();
  arm();
}

void Stopper::kill_now() {
  if (killed_) return;
  killed_ = true;
  forget_others();
  loop_.cancel(std::exchange(round_timer_, 0));
  // The rest of its pid namespace dies with it.
  (void)send_signal(target_.pidfd, SIGKILL);
  on_signal_(SIGKILL);
}

void Stopper::again_after(milliseconds delay) {
  loop_.cancel(round_timer_);
  round_timer_ = loop_.after(delay, [this] {
    round_timer_ = 0;
    round();
  });
}

bool Stopper::anyone_hears() const {
  for (const auto& [pid, other] : others_) {
    const auto disposition = runtime::signal_disposition(pid, target_.signal);
    if (disposition && *disposition != runtime::SignalDisposition::cannot_hear) return true;
  }
  return false;
}

// Signals processes that were not there before, and waits for those that may still react.
void Stopper::round() {
  if (killed_) return;
  // The first process may have installed a handler meanwhile (it was only starting): then it hears from now on.
  const auto disposition = runtime::signal_disposition(target_.pid, target_.signal);
  if (disposition && *disposition != runtime::SignalDisposition::cannot_hear) {
    forget_others();
    (void)send_signal(target_.pidfd, target_.signal);
    return;
  }
  const auto pids = runtime::Cgroup::open(target_.cgroup).pids();
  bool news = false;
  for (const pid_t pid : pids ? *pids : std::vector<pid_t>{}) {
    if (pid == target_.pid || signalled_.contains(pid)) continue;
    auto pidfd = open_pidfd(pid);
    if (!pidfd) continue;
    (void)send_signal(pidfd->get(), target_.signal);
    signalled_.insert(pid);
    news = true;
    const auto watch = loop_.add(pidfd->get(), EPOLLIN, [this, pid](std::uint32_t) { on_gone(pid); });
    others_[pid] = Other{std::move(*pidfd), watch ? *watch : 0};
  }
  if (others_.empty()) return kill_now();
  if (news) return again_after(to_die);
  if (!anyone_hears()) return kill_now();
  again_after(between_looks);
}

void Stopper::on_gone(pid_t pid) {
  const auto found = others_.find(pid);
  if (found == others_.end()) return;
  loop_.remove(found->second.watch);
  others_.erase(found);
  signalled_.erase(pid);
  if (others_.empty()) again_after(after_others);
}

}  // namespace consort::supervisor

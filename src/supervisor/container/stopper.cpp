#include "supervisor/container/stopper.hpp"

#include <signal.h>

#include <utility>

#include "base/os/processes/process.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/pid_namespace.hpp"

namespace consort::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// The interval between two checks of the first process once it is alone, and how long it may continue.
constexpr milliseconds between_looks{10};
constexpr milliseconds to_tidy_up{1000};
// A process that dies of the signal does so at once, unless it is the first process of its own pid namespace.
constexpr milliseconds to_die{150};

}  // namespace

Stopper::Stopper(EventLoop& loop, Target target, OnSignal on_signal)
    : loop_(loop), target_(std::move(target)), on_signal_(std::move(on_signal)) {}

Stopper::~Stopper() {
  work_.reset();
  forget_others();
  loop_.cancel(deadline_timer_);
  loop_.cancel(next_timer_);
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

bool Stopper::first_hears() const {
  const auto disposition = runtime::signal_disposition(target_.pid, target_.signal);
  return !disposition || runtime::first_process_hears(*disposition);  // none: it is gone, and its exit is on the way
}

// A process does not ignore a stop signal by accident: it has something to finish, or waits to be killed.
bool Stopper::first_refuses() const {
  const auto disposition = runtime::signal_disposition(target_.pid, target_.signal);
  return disposition && *disposition == runtime::SignalDisposition::ignores;
}

void Stopper::begin() {
  if (target_.deadline && *target_.deadline <= steady_clock::now()) return kill_now();
  arm();
  const bool hears = first_hears();
  (void)send_signal(target_.pidfd, target_.signal);
  on_signal_(target_.signal);
  if (hears) return;
  if (const auto pids = runtime::Cgroup::open(target_.cgroup).pids()) known_.insert(pids->begin(), pids->end());
  if (known_.empty())
    for (const pid_t pid : runtime::processes_beside(target_.pid)) known_.insert(pid);  // without cgroups
  go_on();
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
  work_.reset();
  forget_others();
  loop_.cancel(std::exchange(next_timer_, 0));
  // The rest of its pid namespace dies with it.
  (void)send_signal(target_.pidfd, SIGKILL);
  on_signal_(SIGKILL);
}

void Stopper::after(milliseconds delay, void (Stopper::*next)()) {
  loop_.cancel(next_timer_);
  next_timer_ = loop_.after(delay, [this, next] {
    next_timer_ = 0;
    (this->*next)();
  });
}

void Stopper::work_through(std::vector<pid_t> pids, SteppedWork::Next (Stopper::*step)(), void (Stopper::*then)()) {
  loop_.cancel(std::exchange(next_timer_, 0));
  round_ = Round{.unseen = std::move(pids), .children = {}, .turn = {}};
  work_ = std::make_unique<SteppedWork>(
      loop_, [this, step] { return (this->*step)(); },
      [this, then](const Result<>&) {
        work_.reset();
        (this->*then)();
      });
}

// One at a time: first the current parents and children, then the nearest descendants of the first process that can be
// signalled.
SteppedWork::Next Stopper::signal_next() {
  if (!round_.unseen.empty()) {
    const pid_t pid = round_.unseen.back();
    round_.unseen.pop_back();
    if (const auto parent = runtime::parent_of(pid)) round_.children.emplace(*parent, pid);
    if (round_.unseen.empty()) look_below(target_.pid);
    return SteppedWork::Next::step;
  }
  if (round_.turn.empty()) return SteppedWork::Next::finished;
  const pid_t pid = round_.turn.back();
  round_.turn.pop_back();
  if (others_.contains(pid) || (!signalled_.contains(pid) && signal_one(pid)))
    round_.waits = true;
  else
    look_below(pid);  // it does not handle the signal either
  return SteppedWork::Next::step;
}

void Stopper::look_below(pid_t parent) {
  for (auto [at, end] = round_.children.equal_range(parent); at != end; ++at) round_.turn.push_back(at->second);
}

// Many turns have passed since it was seen: by now its pid may belong to an unrelated process.
bool Stopper::is_below_the_first(pid_t pid) const {
  for (std::size_t steps = 0; steps <= known_.size(); ++steps) {
    const auto parent = runtime::parent_of(pid);
    if (!parent || *parent <= 1) return false;
    if (*parent == target_.pid) return true;
    pid = *parent;
  }
  return false;
}

// Returns false if it ignores the signal or is gone.
bool Stopper::signal_one(pid_t pid) {
  signalled_.insert(pid);
  auto pidfd = open_pidfd(pid);
  if (!is_below_the_first(pid)) return false;  // only now: the descriptor stays with one process
  const auto disposition = runtime::signal_disposition(pid, target_.signal);
  if (!pidfd || !disposition || *disposition == runtime::SignalDisposition::ignores) return false;
  const auto seen = runtime::activity_of(pid);
  (void)send_signal(pidfd->get(), target_.signal);
  const auto watch = loop_.add(pidfd->get(), EPOLLIN, [this, pid](std::uint32_t) { on_gone(pid); });
  if (!watch) return false;
  others_[pid] = Other{std::move(*pidfd), *watch, seen ? std::optional(*seen) : std::nullopt};
  return true;
}

// Signals the next processes in order.
void Stopper::go_on() {
  work_through({known_.begin(), known_.end()}, &Stopper::signal_next, &Stopper::on_signalled);
}

void Stopper::on_signalled() {
  if (round_.waits) return others_.empty() ? go_on() : after(to_die, &Stopper::give_up_the_deaf);
  if (first_refuses()) return;                // wait until the deadline
  if (signalled_.empty()) return kill_now();  // there never were other processes
  watch_the_first();
}

void Stopper::on_gone(pid_t pid) {
  const auto found = others_.find(pid);
  if (found == others_.end()) return;
  loop_.remove(found->second.watch);
  others_.erase(found);
  if (others_.empty() && !work_) go_on();
}

void Stopper::give_up_the_deaf() {
  std::vector<pid_t> pids;
  for (const auto& [pid, other] : others_) pids.push_back(pid);
  work_through(std::move(pids), &Stopper::give_up_next, &Stopper::on_given_up);
}

// Gives up a process that has not even woken up. (One that is just exiting has no handlers any more, but is active.)
SteppedWork::Next Stopper::give_up_next() {
  if (round_.unseen.empty()) return SteppedWork::Next::finished;
  const auto other = others_.find(round_.unseen.back());
  round_.unseen.pop_back();
  if (other == others_.end()) return SteppedWork::Next::step;  // gone meanwhile
  const auto disposition = runtime::signal_disposition(other->first, target_.signal);
  const auto seen = runtime::activity_of(other->first);
  if (!disposition || !seen || runtime::first_process_hears(*disposition)) return SteppedWork::Next::step;
  const bool deaf = seen->asleep && other->second.seen == *seen;
  other->second.seen = *seen;
  if (deaf) {
    loop_.remove(other->second.watch);
    others_.erase(other);
  }
  return SteppedWork::Next::step;
}

void Stopper::on_given_up() {
  others_.empty() ? go_on() : after(to_die, &Stopper::give_up_the_deaf);
}

// The processes that it may have been waiting for are gone. It may continue for as long as it makes progress.
void Stopper::watch_the_first() {
  if (!runtime::activity_of(target_.pid)) return;  // its exit is on the way
  if (first_hears()) {
    // It was still starting when the stop began, or has installed a handler since: repeat the signal that it missed.
    (void)send_signal(target_.pidfd, target_.signal);
    return;
  }
  if (first_refuses()) return;
  const auto now = steady_clock::now();
  if (!alone_since_) alone_since_ = now;
  const auto seen = runtime::activity_of(target_.pid);
  if (!seen) return;
  const bool rests = seen->asleep && last_seen_ == *seen;
  if (rests || now - *alone_since_ > to_tidy_up) return kill_now();
  last_seen_ = *seen;
  after(between_looks, &Stopper::watch_the_first);
}

}  // namespace consort::supervisor

#include "supervisor/health/health.hpp"

#include <algorithm>
#include <utility>

namespace consort::supervisor {
namespace {

constexpr std::size_t kept_results = 5;
constexpr Milliseconds default_interval{30'000};
constexpr double look_growth = 1.06;   // 20 ms to 200 ms within some 3 s
constexpr double check_growth = 1.35;  // twenty checks cover about 20 s

Milliseconds or_default(Milliseconds value, Milliseconds fallback) {
  return value > Milliseconds(0) ? value : fallback;
}

}  // namespace

HealthMachine::HealthMachine(HealthUnit unit, HealthState state, Time started)
    : unit_(std::move(unit)), state_(std::move(state)), started_(started) {
  unit_.interval = or_default(unit_.interval, default_interval);
  unit_.timeout = or_default(unit_.timeout, default_interval);
  unit_.start_interval = or_default(unit_.start_interval, Milliseconds(5000));
  if (unit_.retries == 0) unit_.retries = 3;
  if (state_.status == HealthStatus::none) state_.status = HealthStatus::starting;
  reached_ = state_.status == HealthStatus::healthy;
  next_regular_ = started_ + current_interval(started_);
  next_eager_ = started_ + first_eager_delay;
}

Milliseconds HealthMachine::current_interval(Time now) const {
  if (state_.status == HealthStatus::starting && in_start_period(now))
    return std::min(unit_.start_interval, unit_.interval);
  return unit_.interval;
}

bool HealthMachine::eager_wanted() const {
  return unit_.eager && state_.status == HealthStatus::starting && eager_checks_ < most_eager_checks;
}

std::optional<HealthMachine::Next> HealthMachine::next() const {
  if (running_ || suspended_ || stopped_) return std::nullopt;
  if (eager_wanted() && next_eager_ < next_regular_) return Next{HealthAction::eager_check, next_eager_};
  return Next{HealthAction::regular_check, next_regular_};
}

void HealthMachine::schedule_eager(Time now, double growth, Milliseconds longest) {
  next_eager_ = now + eager_delay_;
  const auto grown = Milliseconds(static_cast<std::int64_t>(static_cast<double>(eager_delay_.count()) * growth) + 1);
  eager_delay_ = std::min({grown, longest, unit_.interval});
}

void HealthMachine::not_listening(Time now) {
  schedule_eager(now, look_growth, longest_look_delay);
}

void HealthMachine::begin_check(HealthAction action, Listening listening) {
  running_ = action;
  before_ = listening;
  if (action != HealthAction::eager_check) return;
  if (eager_checks_ == 0) eager_delay_ = first_eager_delay;  // listening has just begun: check quickly again
  ++eager_checks_;
}

// Whether a success that has just been seen can be trusted.
bool HealthMachine::believes(Listening after, Time now) const {
  if (!minds_listening()) return true;
  const bool eager = running_ == HealthAction::eager_check;
  const auto enough = [eager](Listening seen) {
    return seen == Listening::yes || seen == Listening::not_needed || (seen == Listening::elsewhere && !eager);
  };
  if (enough(before_) && enough(after)) return true;
  return !eager && now >= started_ + unit_.start_period + unit_.interval * unit_.retries;
}

HealthChange HealthMachine::finish_eager(HealthResult result, bool believed, Time now) {
  if (result.exit_code == 0 && believed) {
    keep(std::move(result));
    state_.failing_streak = 0;
    next_regular_ = now + unit_.interval;
    return become(HealthStatus::healthy);
  }
  schedule_eager(now, check_growth, unit_.interval);
  return HealthChange::none;
}

HealthChange HealthMachine::finish_check(HealthResult result, Listening listening, Time now) {
  const bool believed = believes(listening, now);
  const bool eager = running_ == HealthAction::eager_check;
  running_.reset();
  if (stopped_) return HealthChange::none;
  if (eager) return finish_eager(std::move(result), believed, now);
  const bool success = result.exit_code == 0;
  keep(std::move(result));
  HealthChange change = HealthChange::none;
  if (success) {
    state_.failing_streak = 0;
    if (believed) change = become(HealthStatus::healthy);
  } else if (state_.status != HealthStatus::starting || !in_start_period(now)) {
    ++state_.failing_streak;
    if (state_.failing_streak >= unit_.retries) change = become(HealthStatus::unhealthy);
  }
  next_regular_ = now + current_interval(now);
  // A check that has just failed need not be repeated immediately.
  if (next_eager_ < now) schedule_eager(now, check_growth, unit_.interval);
  return change;
}

// Drops a running check along with its result.
void HealthMachine::suspend() {
  suspended_ = true;
  running_.reset();
}

void HealthMachine::resume(Time now) {
  if (!std::exchange(suspended_, false)) return;
  next_regular_ = now + current_interval(now);
  next_eager_ = now + first_eager_delay;
}

HealthChange HealthMachine::stop() {
  stopped_ = true;
  running_.reset();
  return become(HealthStatus::unhealthy);
}

HealthChange HealthMachine::become(HealthStatus status) {
  if (status == HealthStatus::healthy) reached_ = true;
  if (std::exchange(state_.status, status) == status) return HealthChange::none;
  return HealthChange::status;
}

void HealthMachine::keep(HealthResult result) {
  state_.log.push_back(std::move(result));
  while (state_.log.size() > kept_results) state_.log.pop_front();
}

}  // namespace consort::supervisor

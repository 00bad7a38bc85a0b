// A container's health (HEALTHCHECK in Docker's Dockerfile reference) as a state machine without clock or processes: it
// says what to do and when, and receives the result.
//
// Regular checks follow the Compose file: the first one interval (start_interval within start_period) after the start,
// each further one an interval after the previous one ended. Until the first success there are also eager checks in
// quick succession, whose failures don't count.
//
// A database's temporary server during initialisation must not be mistaken for the real one. So the first success of a
// run counts only if the container listened on an address that other hosts can reach, both before the check began and
// after it ended: on one of its ports for an eager check, on any port for a regular one. A container that has ports but
// never listens is accepted anyway after the time in which failing checks would have made it unhealthy: start_period
// plus `retries` intervals. (docs/decisions/0032-first-healthy.md)
//
// Checking whether it listens costs next to nothing, so that is done first and more often than the check itself.
#pragma once

#include <chrono>
#include <optional>

#include "supervisor/state.hpp"
#include "supervisor/unit.hpp"

namespace consort::supervisor {

enum class HealthAction : std::uint8_t {
  regular_check,  // run the check: finish_check()
  eager_check,    // see whether it listens (if it has ports), and if so run the check
};

enum class Listening : std::uint8_t {
  no,
  elsewhere,  // on a port that it does not declare
  yes,
  not_needed,  // it declares no ports
};

enum class HealthChange : std::uint8_t { none, status };

class HealthMachine {
 public:
  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;

  static constexpr unsigned most_eager_checks = 20;
  static constexpr Milliseconds first_eager_delay{20};
  static constexpr Milliseconds longest_look_delay{200};

  // `started`: when the container's process began. state: from earlier runs (the log is kept).
  HealthMachine(HealthUnit unit, HealthState state, Time started);

  struct Next {
    HealthAction action;
    Time when;
  };
  // nullopt: nothing to do (a check is running, or the machine is suspended).
  std::optional<Next> next() const;

  // An eager check was due, but the container does not listen yet.
  void not_listening(Time now);
  // Whether `listening` matters to the next two functions: until the first success.
  bool minds_listening() const { return unit_.eager && !reached_; }
  void begin_check(HealthAction action, Listening listening);
  // The current check has ended.
  HealthChange finish_check(HealthResult result, Listening listening, Time now);

  void suspend();         // for pause
  void resume(Time now);  // for unpause: the next check is one interval away
  HealthChange stop();    // the container is being stopped: unhealthy, no more checks

  const HealthState& state() const { return state_; }
  const HealthUnit& unit() const { return unit_; }

 private:
  Milliseconds current_interval(Time now) const;
  bool in_start_period(Time now) const { return now < started_ + unit_.start_period; }
  bool eager_wanted() const;
  bool believes(Listening after, Time now) const;
  HealthChange finish_eager(HealthResult result, bool believed, Time now);
  void schedule_eager(Time now, double growth, Milliseconds longest);
  HealthChange become(HealthStatus status);
  void keep(HealthResult result);

  HealthUnit unit_;
  HealthState state_;
  Time started_;
  Time next_regular_;
  Time next_eager_;
  Milliseconds eager_delay_ = first_eager_delay;
  unsigned eager_checks_ = 0;
  std::optional<HealthAction> running_;
  Listening before_ = Listening::not_needed;  // when the check began
  bool reached_ = false;                      // healthy in this run, at present or earlier
  bool suspended_ = false;
  bool stopped_ = false;
};

}  // namespace consort::supervisor

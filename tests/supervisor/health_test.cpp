#include "supervisor/health/health.hpp"

#include <gtest/gtest.h>

namespace consort::supervisor {
namespace {

using Time = HealthMachine::Time;
using std::chrono::seconds;

const Time start{std::chrono::hours(5)};

HealthUnit unit(bool eager = false) {
  HealthUnit made;
  made.argv = {"check"};
  made.interval = Milliseconds(10'000);
  made.timeout = Milliseconds(5'000);
  made.retries = 3;
  made.eager = eager;
  return made;
}

HealthResult result(int exit_code) {
  HealthResult made;
  made.exit_code = exit_code;
  return made;
}

HealthState in_state(HealthStatus status, unsigned streak) {
  HealthState state;
  state.status = status;
  state.failing_streak = streak;
  return state;
}

struct Cell {
  HealthStatus before;
  unsigned streak_before;
  bool in_start_period;
  int exit_code;
  HealthStatus after;
  unsigned streak_after;
};

// The state table of health checks: every state, during and after start_period, with every result.
const Cell cells[] = {
    {HealthStatus::starting, 0, true, 0, HealthStatus::healthy, 0},
    {HealthStatus::starting, 0, true, 1, HealthStatus::starting, 0},
    {HealthStatus::starting, 0, true, -1, HealthStatus::starting, 0},
    {HealthStatus::starting, 0, false, 0, HealthStatus::healthy, 0},
    {HealthStatus::starting, 0, false, 1, HealthStatus::starting, 1},
    {HealthStatus::starting, 2, false, 1, HealthStatus::unhealthy, 3},
    {HealthStatus::starting, 2, false, -1, HealthStatus::unhealthy, 3},
    {HealthStatus::starting, 2, false, 0, HealthStatus::healthy, 0},
    {HealthStatus::healthy, 0, true, 0, HealthStatus::healthy, 0},
    {HealthStatus::healthy, 0, true, 1, HealthStatus::healthy, 1},
    {HealthStatus::healthy, 2, true, 1, HealthStatus::unhealthy, 3},
    {HealthStatus::healthy, 0, false, 0, HealthStatus::healthy, 0},
    {HealthStatus::healthy, 1, false, 137, HealthStatus::healthy, 2},
    {HealthStatus::healthy, 2, false, -1, HealthStatus::unhealthy, 3},
    {HealthStatus::unhealthy, 3, true, 0, HealthStatus::healthy, 0},
    {HealthStatus::unhealthy, 3, true, 1, HealthStatus::unhealthy, 4},
    {HealthStatus::unhealthy, 3, false, 0, HealthStatus::healthy, 0},
    {HealthStatus::unhealthy, 7, false, 1, HealthStatus::unhealthy, 8},
};

TEST(Health, EveryStateAgainstEveryResult) {
  for (const Cell& cell : cells) {
    HealthUnit with_period = unit();
    with_period.start_period = Milliseconds(60'000);
    HealthMachine machine(with_period, in_state(cell.before, cell.streak_before), start);
    const Time now = start + (cell.in_start_period ? seconds(1) : seconds(61));
    machine.begin_check(HealthAction::regular_check, Listening::not_needed);
    const HealthChange change = machine.finish_check(result(cell.exit_code), Listening::not_needed, now);
    EXPECT_EQ(machine.state().status, cell.after) << to_string(cell.before) << " exit " << cell.exit_code;
    EXPECT_EQ(machine.state().failing_streak, cell.streak_after) << to_string(cell.before);
    EXPECT_EQ(change == HealthChange::status, cell.before != cell.after);
    EXPECT_EQ(machine.state().log.size(), 1u);
  }
}

TEST(Health, NextCheckIsOneIntervalAfterTheLastEnded) {
  HealthMachine machine(unit(), {}, start);
  ASSERT_TRUE(machine.next());
  EXPECT_EQ(machine.next()->when, start + seconds(10));
  machine.begin_check(HealthAction::regular_check, Listening::not_needed);
  EXPECT_FALSE(machine.next());
  machine.finish_check(result(0), Listening::not_needed, start + seconds(14));
  EXPECT_EQ(machine.next()->when, start + seconds(24));
}

TEST(Health, StartIntervalRulesWithinTheStartPeriodOnly) {
  HealthUnit quick = unit();
  quick.start_period = Milliseconds(30'000);
  quick.start_interval = Milliseconds(2'000);
  HealthMachine machine(quick, {}, start);
  EXPECT_EQ(machine.next()->when, start + seconds(2));
  machine.begin_check(HealthAction::regular_check, Listening::not_needed);
  machine.finish_check(result(1), Listening::not_needed, start + seconds(2));
  EXPECT_EQ(machine.next()->when, start + seconds(4));
  machine.begin_check(HealthAction::regular_check, Listening::not_needed);
  machine.finish_check(result(0), Listening::not_needed, start + seconds(4));
  EXPECT_EQ(machine.next()->when, start + seconds(14));
}

TEST(Health, KeepsTheLastFiveResults) {
  HealthMachine machine(unit(), {}, start);
  for (int i = 1; i <= 9; ++i) {
    machine.begin_check(HealthAction::regular_check, Listening::not_needed);
    machine.finish_check(result(i), Listening::not_needed, start + seconds(10 * i));
  }
  ASSERT_EQ(machine.state().log.size(), 5u);
  EXPECT_EQ(machine.state().log.front().exit_code, 5);
  EXPECT_EQ(machine.state().log.back().exit_code, 9);
}

TEST(Health, EagerChecksComeQuicklyAndDoNotCount) {
  HealthMachine machine(unit(true), {}, start);
  Time now = start;
  unsigned eager = 0;
  while (machine.next()->action == HealthAction::eager_check && eager < 100) {
    ASSERT_GE(machine.next()->when, now);
    now = machine.next()->when;
    ++eager;
    machine.begin_check(HealthAction::eager_check, Listening::yes);
    machine.finish_check(result(1), Listening::yes, now);
  }
  EXPECT_LE(eager, HealthMachine::most_eager_checks);
  EXPECT_GE(eager, 10u);
  EXPECT_EQ(machine.state().failing_streak, 0u);
  EXPECT_EQ(machine.state().status, HealthStatus::starting);
  EXPECT_TRUE(machine.state().log.empty());
  EXPECT_EQ(machine.next()->when, start + seconds(10));
}

TEST(Health, TheFirstEagerLookIsWithinTensOfMilliseconds) {
  HealthMachine machine(unit(true), {}, start);
  EXPECT_EQ(machine.next()->action, HealthAction::eager_check);
  EXPECT_LE(machine.next()->when, start + Milliseconds(50));
}

// While a database is being initialized, its temporary server passes the check, but no port is listening.
TEST(Health, AnEagerSuccessWithoutListeningDoesNotCount) {
  HealthMachine machine(unit(true), {}, start);
  machine.begin_check(HealthAction::eager_check, Listening::yes);
  EXPECT_EQ(machine.finish_check(result(0), Listening::no, start + Milliseconds(30)), HealthChange::none);
  EXPECT_EQ(machine.state().status, HealthStatus::starting);
  machine.begin_check(HealthAction::eager_check, Listening::yes);
  EXPECT_EQ(machine.finish_check(result(0), Listening::yes, start + Milliseconds(60)), HealthChange::status);
  EXPECT_EQ(machine.state().status, HealthStatus::healthy);
  EXPECT_EQ(machine.next()->when, start + Milliseconds(10'060));
}

// Listening before and after a check, and whether the success of an eager and of a regular check counts.
struct Seen {
  Listening before, after;
  bool eager, regular;
};
const Seen seen_cells[] = {
    {Listening::no, Listening::no, false, false},
    {Listening::no, Listening::yes, false, false},  // the temporary server has answered
    {Listening::yes, Listening::no, false, false},
    {Listening::yes, Listening::yes, true, true},
    {Listening::elsewhere, Listening::elsewhere, false, true},
    {Listening::no, Listening::elsewhere, false, false},
    {Listening::elsewhere, Listening::yes, false, true},
    {Listening::not_needed, Listening::not_needed, true, true},
};

TEST(Health, TheFirstSuccessCountsOnlyIfItListensBeforeAndAfter) {
  for (const Seen& cell : seen_cells) {
    for (const HealthAction action : {HealthAction::eager_check, HealthAction::regular_check}) {
      HealthMachine machine(unit(true), {}, start);
      machine.begin_check(action, cell.before);
      machine.finish_check(result(0), cell.after, start + seconds(10));
      const bool believed = action == HealthAction::eager_check ? cell.eager : cell.regular;
      EXPECT_EQ(machine.state().status, believed ? HealthStatus::healthy : HealthStatus::starting)
          << int(action) << int(cell.before) << int(cell.after);
      EXPECT_EQ(machine.state().failing_streak, 0u);
    }
  }
}

TEST(Health, ItIsLookedAgainSoonAfterASuccessThatDidNotCount) {
  HealthMachine machine(unit(true), {}, start);
  machine.begin_check(HealthAction::regular_check, Listening::no);
  machine.finish_check(result(0), Listening::yes, start + seconds(10));
  EXPECT_EQ(machine.next()->action, HealthAction::eager_check);
  EXPECT_LE(machine.next()->when, start + seconds(10) + HealthMachine::longest_look_delay);
}

// An image declares ports but never listens: a success counts after the time in which failures would have made it
// unhealthy, 2 + 3 * 10 s.
TEST(Health, WhatNeverListensIsBelievedInTheEnd) {
  HealthUnit with_period = unit(true);
  with_period.start_period = Milliseconds(2'000);
  HealthMachine machine(with_period, {}, start);
  for (const int at : {10, 20, 31}) {
    machine.begin_check(HealthAction::regular_check, Listening::no);
    EXPECT_EQ(machine.finish_check(result(0), Listening::no, start + seconds(at)), HealthChange::none);
  }
  machine.begin_check(HealthAction::eager_check, Listening::no);
  EXPECT_EQ(machine.finish_check(result(0), Listening::no, start + seconds(33)), HealthChange::none);
  machine.begin_check(HealthAction::regular_check, Listening::no);
  EXPECT_EQ(machine.finish_check(result(0), Listening::no, start + seconds(40)), HealthChange::status);
  EXPECT_EQ(machine.state().status, HealthStatus::healthy);
}

TEST(Health, OnceHealthyOnlyTheCheckDecides) {
  HealthMachine machine(unit(true), in_state(HealthStatus::healthy, 0), start);
  EXPECT_FALSE(machine.minds_listening());
  for (int i = 0; i < 3; ++i) {
    machine.begin_check(HealthAction::regular_check, Listening::not_needed);
    machine.finish_check(result(1), Listening::not_needed, start + seconds(10 * i));
  }
  EXPECT_EQ(machine.state().status, HealthStatus::unhealthy);
  machine.begin_check(HealthAction::regular_check, Listening::no);
  EXPECT_EQ(machine.finish_check(result(0), Listening::no, start + seconds(40)), HealthChange::status);
}

// Looking for a listener costs almost nothing, so it uses up no attempts and does not become rarer.
TEST(Health, LookingForAListenerGoesOnBesideTheRegularChecks) {
  HealthMachine machine(unit(true), {}, start);
  Time now = start;
  int looks = 0;
  while (now < start + seconds(9)) {
    const auto next = machine.next();
    ASSERT_EQ(next->action, HealthAction::eager_check);
    EXPECT_LE(next->when - now, Milliseconds(201));
    now = next->when;
    machine.not_listening(now);
    ++looks;
  }
  EXPECT_LT(looks, 120);
  machine.begin_check(HealthAction::eager_check, Listening::yes);
  machine.finish_check(result(1), Listening::yes, now);
  EXPECT_LE(machine.next()->when - now, Milliseconds(50));
}

TEST(Health, WithoutEagernessOnlyTheFileRules) {
  HealthMachine machine(unit(false), {}, start);
  EXPECT_EQ(machine.next()->action, HealthAction::regular_check);
}

TEST(Health, PauseSuspendsAndUnpauseWaitsAnInterval) {
  HealthMachine machine(unit(), in_state(HealthStatus::healthy, 0), start);
  machine.suspend();
  EXPECT_FALSE(machine.next());
  machine.resume(start + seconds(100));
  EXPECT_EQ(machine.next()->when, start + seconds(110));
}

TEST(Health, ACheckThatRunsIsDroppedByPause) {
  HealthMachine machine(unit(), {}, start);
  machine.begin_check(HealthAction::regular_check, Listening::not_needed);
  machine.suspend();
  machine.resume(start + seconds(1));
  EXPECT_TRUE(machine.next());
}

TEST(Health, StopMakesUnhealthyAndEndsTheChecks) {
  HealthMachine machine(unit(), in_state(HealthStatus::healthy, 0), start);
  EXPECT_EQ(machine.stop(), HealthChange::status);
  EXPECT_EQ(machine.state().status, HealthStatus::unhealthy);
  EXPECT_FALSE(machine.next());
}

}  // namespace
}  // namespace consort::supervisor

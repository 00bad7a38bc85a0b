#include "supervisor/container/restart.hpp"

#include <gtest/gtest.h>

namespace consort::supervisor {
namespace {

using std::optional;

struct Cell {
  RestartPolicy policy;
  unsigned max_retries;
  optional<int> exit_code;
  unsigned restart_count;
  bool manually_stopped;
  bool restarts;
};

// Every restart policy with every way of ending.
const Cell cells[] = {
    {RestartPolicy::no, 0, 0, 0, false, false},
    {RestartPolicy::no, 0, 1, 0, false, false},
    {RestartPolicy::no, 0, std::nullopt, 0, false, false},
    {RestartPolicy::no, 0, 1, 0, true, false},
    {RestartPolicy::on_failure, 0, 0, 0, false, false},
    {RestartPolicy::on_failure, 0, 1, 0, false, true},
    {RestartPolicy::on_failure, 0, 137, 1000, false, true},
    {RestartPolicy::on_failure, 0, std::nullopt, 0, false, true},
    {RestartPolicy::on_failure, 3, 1, 0, false, true},
    {RestartPolicy::on_failure, 3, 1, 2, false, true},
    {RestartPolicy::on_failure, 3, 1, 3, false, false},
    {RestartPolicy::on_failure, 3, 0, 0, false, false},
    {RestartPolicy::on_failure, 3, 1, 0, true, false},
    {RestartPolicy::always, 0, 0, 0, false, true},
    {RestartPolicy::always, 0, 1, 1000, false, true},
    {RestartPolicy::always, 0, std::nullopt, 0, false, true},
    {RestartPolicy::always, 0, 0, 0, true, false},
    {RestartPolicy::unless_stopped, 0, 0, 0, false, true},
    {RestartPolicy::unless_stopped, 0, 1, 1000, false, true},
    {RestartPolicy::unless_stopped, 0, std::nullopt, 0, false, true},
    {RestartPolicy::unless_stopped, 0, 137, 0, true, false},
};

TEST(Restart, EveryPolicyAgainstEveryEnd) {
  for (const Cell& cell : cells) {
    const RestartUnit unit{cell.policy, cell.max_retries};
    const EndedRun run{cell.exit_code, Milliseconds(50), cell.restart_count, cell.manually_stopped};
    EXPECT_EQ(wants_restart(unit, run), cell.restarts)
        << to_string(cell.policy) << ":" << cell.max_retries << " exit " << cell.exit_code.value_or(-1) << " after "
        << cell.restart_count << (cell.manually_stopped ? " stopped by hand" : "");
    EXPECT_EQ(RestartBackoff().next(unit, run).has_value(), cell.restarts);
  }
}

TEST(Restart, DelaysDoubleUpToAMinute) {
  RestartBackoff backoff;
  const RestartUnit always{RestartPolicy::always, 0};
  const EndedRun run{1, Milliseconds(10), 0, false};
  Milliseconds expected{100};
  for (int i = 0; i < 14; ++i) {
    EXPECT_EQ(backoff.next(always, run), expected);
    expected = std::min(expected * 2, Milliseconds(60'000));
  }
  EXPECT_EQ(backoff.last(), Milliseconds(60'000));
}

TEST(Restart, ASteadyRunStartsTheDelaysAnew) {
  RestartBackoff backoff;
  const RestartUnit always{RestartPolicy::always, 0};
  backoff.next(always, {1, Milliseconds(10), 0, false});
  backoff.next(always, {1, Milliseconds(10), 1, false});
  EXPECT_EQ(backoff.next(always, {1, Milliseconds(9'999), 2, false}), Milliseconds(400));
  EXPECT_EQ(backoff.next(always, {1, Milliseconds(10'000), 3, false}), Milliseconds(100));
}

TEST(Restart, ASuccessorGoesOnWithTheDelay) {
  RestartBackoff backoff(Milliseconds(400));
  EXPECT_EQ(backoff.next({RestartPolicy::always, 0}, {1, Milliseconds(10), 2, false}), Milliseconds(800));
}

}  // namespace
}  // namespace consort::supervisor

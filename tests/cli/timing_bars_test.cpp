#include "cli/render/timing_bars.hpp"

#include <gtest/gtest.h>

namespace consort::cli {
namespace {

using project::Moment;
using std::chrono::seconds;

project::Operation operation(project::Action action, const std::string& service,
                             std::vector<project::OperationId> needs) {
  project::Operation made;
  made.action = std::move(action);
  made.service = service;
  made.needs = std::move(needs);
  return made;
}

// web waits for db's health, through a checkpoint; its image is not involved.
TEST(TimingBars, SayWhatEachServiceWaitedFor) {
  const Moment begin{};
  project::Plan plan;
  const auto db = plan.add(operation(project::StartContainer{}, "db", {}));
  const auto healthy = plan.add(operation(project::AwaitCondition{}, "db", {db}));
  const auto all = plan.add(operation(project::Checkpoint{}, "", {healthy}));
  const auto web = plan.add(operation(project::StartContainer{}, "web", {all}));
  project::Timings timings(begin);
  timings.begin(plan);
  timings.note(plan.at(db), begin, begin + seconds(1));
  timings.note(plan.at(healthy), begin + seconds(1), begin + seconds(8));
  timings.note(plan.at(web), begin + seconds(8), begin + seconds(10));
  EXPECT_EQ(timing_bars(timings, begin + seconds(10), 0),
            "     0s   10.0s\n"
            "db   █░░░░░░░    started at 1.0s, ready at 8.0s\n"
            "web  ·······███  started at 10.0s, after db was healthy\n"
            "▒ image  · waiting  █ create and start  ░ getting ready\n");
  EXPECT_EQ(timing_bars(project::Timings(begin), begin, 80), "");
}

}  // namespace
}  // namespace consort::cli

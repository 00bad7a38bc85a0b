#include "project/exec/executor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "project/exec/listening.hpp"

namespace consort::project {
namespace {

class Events final : public Progress {
 public:
  void begin(std::string_view) override {}
  void event(const ProgressEvent& event) override {
    const std::scoped_lock lock(mutex);
    lines.push_back(event.id + " " + event.text + event.status);
  }
  void step(const BuildStep&) override {}
  void finish() override {}
  void output(std::string_view) override {}
  void log(std::string_view) override {}
  void warn(const std::string& message) override { lines.push_back("warning " + message); }
  std::mutex mutex;
  std::vector<std::string> lines;
};

// Runs the test's function for each target, and records the order.
class Script final : public OperationRunner {
 public:
  std::function<Result<>(const Operation&, const Cancellation&)> body = [](auto&, auto&) { return Result<>(); };
  Result<> run(const Operation& operation, const Cancellation& cancel) override {
    {
      const std::scoped_lock lock(mutex);
      order.push_back(operation.target);
    }
    return body(operation, cancel);
  }
  bool ran(const std::string& target) const { return std::ranges::find(order, target) != order.end(); }
  std::mutex mutex;
  std::vector<std::string> order;
};

Operation step(const std::string& name, std::vector<OperationId> needs = {}, Action action = StartContainer{}) {
  Operation operation;
  operation.action = std::move(action);
  operation.target = name;
  operation.shown = "Container " + name;
  operation.before = "Starting";
  operation.after = "Started";
  operation.needs = std::move(needs);
  return operation;
}

TEST(Executor, RunsInTheOrderOfNeedsThroughCheckpoints) {
  Plan plan;
  const auto a = plan.add(step("a"));
  const auto point = plan.add(step("point", {a}, Checkpoint{}));
  plan.at(point).shown.clear();
  plan.add(step("b", {point}));
  Script script;
  Events events;
  ASSERT_TRUE(execute(plan, script, events, {}));
  EXPECT_EQ(script.order, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(events.lines, (std::vector<std::string>{"Container a Starting", "Container a Started",
                                                    "Container b Starting", "Container b Started"}));
}

TEST(Executor, AFailureKeepsDependentsFromRunning) {
  Plan plan;
  const auto a = plan.add(step("a"));
  plan.add(step("b", {a}));
  Script script;
  script.body = [](const Operation&, const Cancellation&) { return fail(Code::io, "broken"); };
  Events events;
  const auto outcome = execute(plan, script, events, {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message(), "broken");
  EXPECT_FALSE(script.ran("b"));
  EXPECT_EQ(events.lines.back(), "Container a Error");
}

TEST(Executor, TeardownGoesOnAndReportsEverything) {
  Plan plan;
  plan.on_failure = OnFailure::go_on;
  const auto a = plan.add(step("a"));
  plan.add(step("after-a", {a}));
  const auto b = plan.add(step("b"));
  plan.add(step("after-b", {b}));
  const auto c = plan.add(step("c"));
  plan.add(step("after-c", {c}));
  Script script;
  script.body = [](const Operation& operation, const Cancellation&) -> Result<> {
    if (operation.target == "a" || operation.target == "b") return fail(Code::io, "no " + operation.target);
    return {};
  };
  Events events;
  const auto outcome = execute(plan, script, events, {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().data().also.size(), 1U);
  EXPECT_TRUE(script.ran("after-c"));
  EXPECT_FALSE(script.ran("after-a"));
  EXPECT_FALSE(script.ran("after-b"));
}

TEST(Executor, WhatOthersStillUseStaysAndIsNotSaidToBeRemoved) {
  Plan plan;
  Operation remove = step("net", {}, RemoveNetwork{});
  remove.shown = "Network net";
  remove.before = "Removing";
  remove.after = "Removed";
  const auto net = plan.add(std::move(remove));
  plan.add(step("after", {net}));
  Script script;
  script.body = [](const Operation& operation, const Cancellation&) -> Result<> {
    if (operation.is<RemoveNetwork>()) return fail(Code::conflict, "has active endpoints");
    return {};
  };
  Events events;
  ASSERT_TRUE(execute(plan, script, events, {}));
  EXPECT_TRUE(script.ran("after"));
  ASSERT_GE(events.lines.size(), 2U);
  EXPECT_EQ(events.lines[0], "Network net Removing");
  EXPECT_EQ(events.lines[1], "Network net Resource is still in use");
}

// As when a suspended command has the volumes locked: nothing was looked at, so nothing stays for a good reason.
TEST(Executor, WhatCouldNotBeLockedIsNotSaidToBeInUse) {
  Plan plan;
  plan.add(step("volume", {}, RemoveVolume{}));
  Script script;
  script.body = [](const Operation&, const Cancellation&) -> Result<> { return fail(Code::busy, "lock volumes"); };
  Events events;
  const auto outcome = execute(plan, script, events, {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Code::busy);
}

TEST(Executor, AnOptionalFailureIsAWarning) {
  Plan plan;
  Operation wait = step("dep", {}, AwaitCondition{});
  wait.necessity = Necessity::optional;
  wait.service = "db";
  const auto waited = plan.add(std::move(wait));
  plan.add(step("b", {waited}));
  Script script;
  script.body = [](const Operation& operation, const Cancellation&) -> Result<> {
    if (operation.target != "dep") return {};
    return fail(Error(Code::conflict, "exit 3").about(Subject::dependency, "db-1").wrap("dependency failed to start"));
  };
  Events events;
  EXPECT_TRUE(execute(plan, script, events, {}));
  EXPECT_TRUE(script.ran("b"));
  EXPECT_EQ(events.lines[1], "Container dep Skipped: optional dependency \"db\" failed to start");
  EXPECT_EQ(events.lines[2], "warning optional dependency \"db\" failed to start: exit 3");
}

// Blocks until it is cancelled.
Result<> wait_for(const Cancellation& cancel) {
  pollfd fd{cancel.fd(), POLLIN, 0};
  while (::poll(&fd, 1, -1) < 1) {
  }
  return fail(Code::interrupted, "interrupted");
}

TEST(Executor, AFailureEndsWhatOnlyWaits) {
  Plan plan;
  plan.add(step("waits", {}, AwaitCondition{}));
  plan.add(step("fails"));
  Script script;
  script.body = [](const Operation& operation, const Cancellation& cancel) {
    return operation.target == "waits" ? wait_for(cancel) : Result<>(fail(Code::io, "broken"));
  };
  Events events;
  const auto outcome = execute(plan, script, events, {.parallel = 1});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message(), "broken");
}

TEST(Executor, TheUserInterrupts) {
  Plan plan;
  const auto a = plan.add(step("waits", {}, AwaitCondition{}));
  plan.add(step("b", {a}));
  Script script;
  script.body = [](const Operation&, const Cancellation& cancel) { return wait_for(cancel); };
  Events events;
  auto pipe = make_pipe(O_NONBLOCK);
  ASSERT_TRUE(pipe);
  ASSERT_TRUE(write_full(pipe->write.get(), "\2"));
  const auto outcome = execute(plan, script, events, {.interrupt_fd = pipe->read.get()});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Code::interrupted);
  EXPECT_FALSE(script.ran("b"));
}

// After a failure, waiting is pointless. Operations that change something are completed, unless the user interrupts
// them.
TEST(Executor, OnlyTheUserEndsWhatIsBeingDone) {
  Plan plan;
  plan.add(step("stops", {}, StopContainer{}));
  plan.add(step("fails"));
  Script script;
  bool by_user = true;
  script.body = [&](const Operation& operation, const Cancellation& cancel) -> Result<> {
    if (operation.target == "fails") return fail(Code::io, "broken");
    pollfd any{cancel.fd(), POLLIN, 0};
    while (::poll(&any, 1, -1) < 1) {
    }
    pollfd user{cancel.user_fd(), POLLIN, 0};
    by_user = ::poll(&user, 1, 0) > 0;
    return {};
  };
  Events events;
  ASSERT_FALSE(execute(plan, script, events, {.parallel = 2}));
  EXPECT_FALSE(by_user);
}

TEST(Executor, WhatIsLeftOfABrokenOffOperationIsSaid) {
  auto pipe = make_pipe(O_NONBLOCK);
  ASSERT_TRUE(pipe);
  Plan plan;
  plan.add(step("web", {}, StopContainer{}));
  Script script;
  script.body = [&](const Operation&, const Cancellation& cancel) {
    (void)write_full(pipe->write.get(), "\2");
    return wait_for(cancel);
  };
  Events events;
  ASSERT_FALSE(execute(plan, script, events, {.interrupt_fd = pipe->read.get()}));
  ASSERT_FALSE(events.lines.empty());
  EXPECT_EQ(events.lines.back(), "Container web Interrupted: its supervisor continues stopping it");
}

TEST(Listening, SomebodyListensUntilTheFirstInterrupt) {
  EXPECT_FALSE(Listening::anybody());
  auto pipe = make_pipe(O_NONBLOCK);
  ASSERT_TRUE(pipe);
  Plan plan;
  plan.add(step("waits", {}, AwaitCondition{}));
  Script script;
  bool after = true;
  script.body = [&](const Operation&, const Cancellation& cancel) {
    (void)write_full(pipe->write.get(), "\2");
    Result<> ended = wait_for(cancel);
    after = Listening::anybody();
    return ended;
  };
  Events events;
  ASSERT_FALSE(execute(plan, script, events, {.interrupt_fd = pipe->read.get()}));
  EXPECT_FALSE(after);
  EXPECT_FALSE(Listening::anybody());
}

TEST(Executor, ALimitOfTime) {
  Plan plan;
  plan.add(step("waits", {}, AwaitCondition{}));
  Script script;
  script.body = [](const Operation&, const Cancellation& cancel) { return wait_for(cancel); };
  Events events;
  const auto outcome = execute(plan, script, events, {.limit_seconds = 0});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message(), "application not healthy after 0s");
}

// In milliseconds, the limit is a multiple of 2^32.
TEST(Executor, ALimitOfSeventeenYearsIsNotOver) {
  Plan plan;
  plan.add(step("runs"));
  Script script;
  script.body = [](const Operation&, const Cancellation&) -> Result<> {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return {};
  };
  Events events;
  EXPECT_TRUE(execute(plan, script, events, {.limit_seconds = 536'870'912}));
}

TEST(Executor, ManyOperationsWithinTheLimit) {
  Plan plan;
  for (int i = 0; i < 200; ++i) plan.add(step(std::to_string(i)));
  Script script;
  std::mutex mutex;
  int now = 0, most = 0;
  script.body = [&](const Operation&, const Cancellation&) -> Result<> {
    const std::scoped_lock lock(mutex);
    most = std::max(most, ++now);
    --now;
    return {};
  };
  Events events;
  ASSERT_TRUE(execute(plan, script, events, {.parallel = 3}));
  EXPECT_EQ(script.order.size(), 200U);
  EXPECT_LE(most, 3);
}

}  // namespace
}  // namespace consort::project

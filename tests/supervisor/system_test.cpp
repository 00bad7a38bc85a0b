// The real programs with real containers, from the start to the last leftover.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "base/json.hpp"
#include "base/os/processes/process.hpp"
#include "base/strings.hpp"
#include "project.hpp"
#include "supervisor/container/record.hpp"

namespace consort::supervisor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SupervisorTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = TestProject::why_not(); !reason.empty()) GTEST_SKIP() << reason;
  }
};

TEST_F(SupervisorTest, RunsAProgramAndKeepsHowItEnded) {
  TestProject project;
  const ContainerUnit unit = project.unit({"echo", "hello", "--", "echo-err", "oops", "--", "exit", "7"});
  const auto started = project.start(unit);
  ASSERT_TRUE(started) << started.error().message();
  const auto ended = project.client().wait(unit.id);
  ASSERT_TRUE(ended) << ended.error().message();
  EXPECT_EQ(ended->status, Status::exited);
  EXPECT_EQ(ended->exit_code, 7);
  EXPECT_EQ(ended->pid, 0);
  EXPECT_TRUE(ended->started_at && ended->finished_at && *ended->finished_at >= *ended->started_at);
  EXPECT_THAT(project.log(unit), testing::UnorderedElementsAre("hello", "oops"));
  const auto durable = read_file(unit.bundle + "/state.json");
  ASSERT_TRUE(durable);
  EXPECT_EQ(state_from_json(*durable, "state.json")->exit_code, 7);
}

// A limit of `up`'s caller that nobody may raise must not end what watches over the containers: the write fails
// instead.
TEST_F(SupervisorTest, ALimitOfFileSizesEndsNoneOfOurPrograms) {
  TestProject project;
  const ContainerUnit unit = project.unit({"status", "SigIgn", "--", "sleep", "1000"});
  ASSERT_TRUE(project.start(unit));
  for (const pid_t pid : {project.keeper(), project.supervisor()}) {
    const std::string status = read_file("/proc/" + std::to_string(pid) + "/status").value();
    const std::size_t at = status.find("SigIgn:\t");
    ASSERT_NE(at, std::string::npos);
    const std::uint64_t ignored = std::stoull(status.substr(at + 8, 16), nullptr, 16);
    EXPECT_NE(ignored & std::uint64_t{1} << (SIGXFSZ - 1), 0U) << status;
  }
  EXPECT_TRUE(eventually([&] { return !project.log(unit).empty(); }));
  EXPECT_THAT(project.log(unit), ElementsAre("SigIgn:\t0000000000000000"));
}

TEST_F(SupervisorTest, AStartThatFailsSaysWhyAndLeavesNothing) {
  TestProject project;
  ContainerUnit unit = project.unit({"exit"});
  auto config = read_file(unit.bundle + "/config.json").value();
  config.replace(config.find("/probe"), 6, "/nothr");
  ASSERT_TRUE(write_file_atomic(unit.bundle + "/config.json", config));
  int exit_code = 0;
  const auto started = project.client().start(project.write(unit), &exit_code);
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message(), HasSubstr("/nothr"));
  EXPECT_EQ(exit_code, 127);
  const ContainerState state = project.state(unit);
  EXPECT_EQ(state.status, Status::created);
  EXPECT_EQ(state.exit_code, 127);
  EXPECT_THAT(state.error, HasSubstr("/nothr"));
}

// For example because /run is full. A container without a record could be neither found nor stopped.
TEST_F(SupervisorTest, NothingIsStartedThatCannotBeWrittenDown) {
  TestProject project;
  const ContainerUnit runs = project.unit({"pause"}), next = project.unit({"pause"});
  ASSERT_TRUE(project.start(runs));
  const std::string records = project.run_directory() + "/containers";
  ASSERT_TRUE(rename_path(records, records + ".aside"));
  ASSERT_TRUE(write_file_atomic(records, ""));
  const auto started = project.start(next);
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message(), HasSubstr("not a directory"));
  EXPECT_TRUE(project.client().stop(runs.id, {.timeout = Milliseconds(0)}));
  ASSERT_TRUE(remove_file(records));
  ASSERT_TRUE(rename_path(records + ".aside", records));
  // What could not be recorded then is recorded now.
  const std::string record = run_state_path(project.run_directory(), runs.id);
  EXPECT_TRUE(eventually([&] {
    const auto state = state_from_json(read_file(record).value_or(""), record);
    return state && state->status == Status::exited;
  }));
  EXPECT_TRUE(project.start(next));
}

TEST_F(SupervisorTest, RestartsByPolicyWithBackoffUntilStopped) {
  TestProject project;
  ContainerUnit unit = project.unit({"echo", "run", "--", "exit", "3"});
  unit.restart = RestartUnit{RestartPolicy::always, 0};
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(eventually([&] { return project.state(unit).restart_count >= 3; }));
  const auto stopped = project.client().stop(unit.id);
  ASSERT_TRUE(stopped) << stopped.error().message();
  EXPECT_EQ(stopped->status, Status::exited);
  const auto runs = project.log(unit).size();
  EXPECT_GE(runs, 3u);
  ::poll(nullptr, 0, 500);
  EXPECT_EQ(project.log(unit).size(), runs);
}

TEST_F(SupervisorTest, OnFailureGivesUpAfterItsRetries) {
  TestProject project;
  ContainerUnit unit = project.unit({"exit", "3"});
  unit.restart = RestartUnit{RestartPolicy::on_failure, 2};
  ASSERT_TRUE(project.start(unit));
  const auto ended = project.client().wait(unit.id);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->restart_count, 2u);
  EXPECT_EQ(ended->exit_code, 3);
}

// A container that ran for a long time and cannot be restarted is tried less and less often, not every 100 ms.
TEST_F(SupervisorTest, FailedRestartsBackOffToo) {
  TestProject project;
  ContainerUnit unit = project.unit({"pause"});
  unit.restart = RestartUnit{RestartPolicy::always, 0};
  ASSERT_TRUE(project.start(unit));
  // As if it had run for an hour; a successor reads this.
  const pid_t old = project.supervisor();
  const std::string path = run_state_path(project.run_directory(), unit.id);
  Record record = record_from_json(read_file(path).value(), path).value();
  record.state.started_at = *record.state.started_at - std::chrono::hours(1);
  ASSERT_TRUE(write_file_atomic(path, record_to_json(record), 0600));
  ASSERT_TRUE(remove_file(unit.bundle + "/config.json"));
  ::kill(old, SIGKILL);
  ASSERT_TRUE(eventually([&] { return project.supervisor() != 0 && project.supervisor() != old; }));
  ::kill(record.state.pid, SIGKILL);
  ASSERT_TRUE(eventually([&] { return project.state(unit).restart_count >= 2; }));
  ::poll(nullptr, 0, 1500);
  EXPECT_LE(project.state(unit).restart_count, 6u);
  EXPECT_TRUE(project.client().stop(unit.id));
}

TEST_F(SupervisorTest, ExecutesInARunningContainer) {
  TestProject project;
  const ContainerUnit unit = project.unit({"pause"});
  ASSERT_TRUE(project.start(unit));
  ExecOptions options;
  options.process = project.process({"echo", "from exec", "--", "exit", "5"});
  options.streams = true;
  auto exec = project.client().exec(unit.id, options);
  ASSERT_TRUE(exec) << exec.error().message();
  EXPECT_EQ(exec->wait().value(), 5);
  const ExecStreams streams = exec->take_streams();
  EXPECT_EQ(read_all(streams.out.get(), 100).value(), "from exec\n");
  EXPECT_EQ(read_all(streams.err.get(), 100).value(), "");

  options = ExecOptions{.process = project.process({})};
  options.process.replace(options.process.find("/probe"), 6, "/nothr");
  int exit_code = 0;
  EXPECT_FALSE(project.client().exec(unit.id, options, &exit_code));
  EXPECT_EQ(exit_code, 127);

  options = ExecOptions{.process = project.process({"isatty"}), .tty = true};
  auto on_terminal = project.client().exec(unit.id, options);
  ASSERT_TRUE(on_terminal) << on_terminal.error().message();
  EXPECT_GE(on_terminal->terminal(), 0);
  EXPECT_TRUE(on_terminal->resize({24, 80}));
  EXPECT_EQ(on_terminal->wait().value(), 0);
}

TEST_F(SupervisorTest, PausesAndGoesOn) {
  TestProject project;
  const ContainerUnit unit = project.unit({"pause"});
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(project.client().pause(unit.id));
  EXPECT_EQ(project.state(unit).status, Status::paused);
  EXPECT_FALSE(project.client().pause(unit.id));
  EXPECT_FALSE(project.client().exec(unit.id, {.process = project.process({"true"})}));
  ASSERT_TRUE(project.client().unpause(unit.id));
  EXPECT_EQ(project.state(unit).status, Status::running);
  ASSERT_TRUE(project.client().pause(unit.id));
  EXPECT_TRUE(project.client().stop(unit.id, {.timeout = Milliseconds(0), .signal = {}}));
}

TEST_F(SupervisorTest, FeedsStandardInput) {
  TestProject project;
  ContainerUnit unit = project.unit({"cat"});
  unit.open_stdin = true;
  unit.stdin_once = true;
  ASSERT_TRUE(project.start(unit));
  {
    auto attachment = project.client().attach(unit.id);
    ASSERT_TRUE(attachment) << attachment.error().message();
    EXPECT_FALSE(attachment->terminal);
    ASSERT_TRUE(write_full(attachment->input.get(), "typed\n"));
  }
  const auto ended = project.client().wait(unit.id);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->exit_code, 0);
  EXPECT_THAT(project.log(unit), ElementsAre("typed"));
}

TEST_F(SupervisorTest, LogsATerminal) {
  TestProject project;
  ContainerUnit unit = project.unit({"isatty", "--", "echo", "on a terminal", "--", "cat"});
  auto config = read_file(unit.bundle + "/config.json").value();
  config.replace(config.find("\"process\":{"), 11, "\"process\":{\"terminal\":true,");
  ASSERT_TRUE(write_file_atomic(unit.bundle + "/config.json", config));
  unit.tty = unit.open_stdin = true;
  const auto started = project.start(unit);
  ASSERT_TRUE(started) << started.error().message();
  ASSERT_TRUE(eventually([&] {
    const auto lines = project.log(unit);
    return !lines.empty() && lines.back() == "on a terminal\r";
  }));
  EXPECT_TRUE(project.client().resize(unit.id, {30, 100}));
  auto attachment = project.client().attach(unit.id);
  ASSERT_TRUE(attachment);
  EXPECT_FALSE(attachment->input);
  ASSERT_TRUE(write_full(attachment->terminal.get(), "typed\n\4"));
  ASSERT_TRUE(project.client().wait(unit.id));
  EXPECT_THAT(project.log(unit), testing::Contains(HasSubstr("typed")));
}

TEST_F(SupervisorTest, TellsSubscribersEverythingInOrder) {
  TestProject project;
  ASSERT_TRUE(project.client().ensure());
  auto subscription = project.client().subscribe();
  ASSERT_TRUE(subscription);
  const ContainerUnit unit = project.unit({"trap", "15"});
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(eventually([&] { return !project.log(unit).empty(); }));
  ASSERT_TRUE(project.client().stop(unit.id));
  ASSERT_TRUE(project.client().forget(unit.id));
  std::vector<std::string> kinds;
  while (kinds.empty() || kinds.back() != "forget") {
    auto event = subscription->next();
    ASSERT_TRUE(event && *event);
    EXPECT_EQ((*event)->state.id, unit.id);
    kinds.emplace_back(to_string((*event)->kind));
  }
  EXPECT_THAT(kinds, ElementsAre("start", "kill", "stop", "die", "forget"));
  EXPECT_FALSE(path_exists(run_state_path(project.run_directory(), unit.id)));
}

TEST_F(SupervisorTest, EndsByItselfWhenNothingRuns) {
  TestProject project;
  const ContainerUnit unit = project.unit({"exit", "4"});
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(project.client().wait(unit.id));
  ASSERT_TRUE(eventually([&] { return project.supervisor() == 0 && project.keeper() == 0; }));
  EXPECT_EQ(project.state(unit).exit_code, 4);  // from its file
  EXPECT_TRUE(project.client().forget(unit.id));
  EXPECT_EQ(observe(project.roots(), project.name(), std::make_shared<Patience>())->size(), 0u);
  // A new supervisor is started when it is needed.
  const ContainerUnit next = project.unit({"exit", "5"});
  ASSERT_TRUE(project.start(next));
  EXPECT_EQ(project.client().wait(next.id)->exit_code, 5);
}

TEST_F(SupervisorTest, ShutdownReturnsWhenBothProgramsHaveEnded) {
  TestProject project;
  const ContainerUnit unit = project.unit({"echo", "up", "--", "trap", "15"});
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(eventually([&] { return project.log(unit).size() == 2; }));
  const auto watching = project.client().subscribe();
  ASSERT_TRUE(watching);
  // Not looked up by name afterwards, because a child that cleans up after the supervisor has its name for a moment.
  const pid_t supervisor = project.supervisor(), keeper = project.keeper();
  ASSERT_TRUE(supervisor > 0 && keeper > 0);
  const auto done = project.client().shutdown();
  EXPECT_TRUE(done) << done.error().message();
  EXPECT_TRUE(has_ended(supervisor));
  EXPECT_TRUE(has_ended(keeper));
  EXPECT_EQ(project.state(unit).exit_code, 0);
  EXPECT_TRUE(project.client().shutdown());  // there is no supervisor
}

TEST_F(SupervisorTest, EndWaitsForTheProgramsOnlyIfNothingRuns) {
  TestProject project;
  const ContainerUnit unit = project.unit({"pause"});
  ASSERT_TRUE(project.start(unit));
  const pid_t supervisor = project.supervisor(), keeper = project.keeper();
  ASSERT_TRUE(supervisor > 0 && keeper > 0);
  EXPECT_TRUE(project.client().end());
  EXPECT_EQ(project.supervisor(), supervisor);
  EXPECT_EQ(project.state(unit).status, Status::running);
  ASSERT_TRUE(project.client().stop(unit.id, {.timeout = Milliseconds(0), .signal = {}}));
  ASSERT_TRUE(project.client().forget(unit.id));
  const auto watching = project.client().subscribe();  // a subscription does not keep it running
  ASSERT_TRUE(watching);
  EXPECT_TRUE(project.client().end());
  EXPECT_TRUE(has_ended(supervisor));
  EXPECT_TRUE(has_ended(keeper));
}

// A start that coincides with the end of the supervisor gets a new supervisor.
TEST_F(SupervisorTest, StartsWhileAnotherCommandEndsTheProject) {
  TestProject project;
  std::atomic<bool> over = false;
  std::thread ender([&] {
    while (!over) EXPECT_TRUE(project.client().end());
  });
  for (int i = 0; i < 20; ++i) {
    const ContainerUnit unit = project.unit({"exit", "4"});
    const auto started = project.start(unit);
    EXPECT_TRUE(started) << started.error().message();
    EXPECT_TRUE(project.client().wait(unit.id));
    EXPECT_EQ(project.state(unit).exit_code, 4);
  }
  over = true;
  ender.join();
}

// Somebody has removed the run directory: no command can find the supervisor any more, so it must not stay forever.
TEST_F(SupervisorTest, EndsWithoutItsRunDirectory) {
  TestProject project;
  const ContainerUnit unit = project.unit({"exit", "0"});
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(project.client().wait(unit.id));
  std::filesystem::remove_all(project.run_directory());
  EXPECT_TRUE(eventually([&] { return project.supervisor() == 0 && project.keeper() == 0; }));
}

TEST_F(SupervisorTest, WhatWaitsForItsRestartIsKilledForGood) {
  TestProject project;
  ContainerUnit unit = project.unit({"exit", "1"});
  unit.restart = RestartUnit{RestartPolicy::always, 0};
  ASSERT_TRUE(project.start(unit));
  // Between restarts it runs only for moments, less and less often.
  const auto says_so = [](const auto& result) {
    return !result && result.error().message().contains("is restarting, wait until the container is running");
  };
  EXPECT_TRUE(
      eventually([&] { return says_so(project.client().exec(unit.id, {.process = project.process({"true"})})); }));
  EXPECT_TRUE(eventually([&] {
    const auto paused = project.client().pause(unit.id);
    if (paused) (void)project.client().unpause(unit.id);
    return says_so(paused);
  }));
  ASSERT_TRUE(project.client().kill(unit.id, SIGKILL));
  EXPECT_EQ(project.state(unit).status, Status::exited);
}

// The program was removed, so no successor can be started, and no container is left that would need one.
TEST_F(SupervisorTest, AKeeperWithNothingToKeepGivesUp) {
  TestProject project;
  TemporaryDirectory programs;
  const std::string installed = CONSORT_BINARY_ROOT;
  for (const char* name : {"/consort-keeper", "/consort-supervisor"})
    std::filesystem::copy_file(installed + name, programs / (name + 1));
  ::setenv("CONSORT_LIBEXEC", (programs / "").c_str(), 1);
  const ContainerUnit unit = project.unit({"exit", "0"});
  const auto started = project.start(unit);
  ::setenv("CONSORT_LIBEXEC", installed.c_str(), 1);
  ASSERT_TRUE(started) << started.error().message();
  ASSERT_TRUE(project.client().wait(unit.id));  // its end has been read, so it is not kept either
  ASSERT_TRUE(remove_file(programs / "consort-supervisor"));
  ASSERT_NE(project.keeper(), 0);
  ::kill(project.supervisor(), SIGKILL);
  EXPECT_TRUE(eventually([&] { return project.keeper() == 0; }));
}

// Limits that the programs set for themselves are not inherited by containers.
TEST_F(SupervisorTest, TakesItsLimitsForItselfAlone) {
  TestProject project;
  const ContainerUnit unit = project.unit({"echo", "up", "--", "pause"});
  const auto started = project.start(unit);
  ASSERT_TRUE(started);
  const auto file = [](pid_t pid, const std::string& name) {
    return read_file("/proc/" + std::to_string(pid) + "/" + name, 65536).value_or("");
  };
  const auto soft_limit = [](pid_t pid) {
    rlimit limit{};
    EXPECT_EQ(::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit), 0);
    return limit.rlim_cur;
  };
  const auto tried = run_and_capture({.argv = {"sh", "-c", "echo -900 > /proc/self/oom_score_adj"}});
  const bool permitted = tried && tried->status.success();  // not in every container
  const std::string expected = permitted ? "-900\n" : file(::getpid(), "oom_score_adj");
  EXPECT_EQ(file(project.supervisor(), "oom_score_adj"), expected);
  EXPECT_EQ(file(project.keeper(), "oom_score_adj"), expected);
  EXPECT_EQ(file(started->pid, "oom_score_adj"), file(::getpid(), "oom_score_adj"));
  rlimit own{};
  ::getrlimit(RLIMIT_NOFILE, &own);
  EXPECT_EQ(soft_limit(project.supervisor()), own.rlim_max);
  EXPECT_EQ(soft_limit(project.keeper()), own.rlim_max);
  EXPECT_EQ(soft_limit(started->pid), own.rlim_cur);
  auto exec = project.client().exec(unit.id, {.process = project.process({"pause"})});
  ASSERT_TRUE(exec) << exec.error().message();
  EXPECT_EQ(soft_limit(exec->pid()), own.rlim_cur);
  EXPECT_EQ(file(exec->pid(), "oom_score_adj"), file(::getpid(), "oom_score_adj"));
}

TEST_F(SupervisorTest, RestartsByRequestAndStopsWhatIsBeingRestarted) {
  TestProject project;
  const ContainerUnit unit = project.unit({"echo", "up", "--", "trap", "15"});
  const auto first = project.start(unit);
  ASSERT_TRUE(first);
  ASSERT_TRUE(eventually([&] { return project.log(unit).size() == 2; }));
  const auto again = project.client().restart(unit.id);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->status, Status::running);
  EXPECT_NE(again->pid, first->pid);
  EXPECT_FALSE(again->manually_stopped);
  EXPECT_TRUE(project.client().stop(unit.id, {.timeout = Milliseconds(0), .signal = {}}));
  EXPECT_EQ(project.state(unit).status, Status::exited);
}

TEST_F(SupervisorTest, KnowsWhatDiedForMemory) {
  TestProject project;
  const ContainerUnit unit = project.unit({"memhog", "200000000"});
  auto config = read_file(unit.bundle + "/config.json").value();
  config.replace(config.find("\"linux\":{"), 9,
                 R"("linux":{"resources":{"memory":{"limit":20000000,"swap":20000000}},)");
  ASSERT_TRUE(write_file_atomic(unit.bundle + "/config.json", config));
  const auto started = project.start(unit);
  ASSERT_TRUE(started) << started.error().message();
  const auto ended = project.client().wait(unit.id);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->exit_code, 137);
  EXPECT_TRUE(ended->oom_killed);
}

// The machine or the project's systemd scope ends (SIGURG): everything is stopped in order, and no container counts as
// stopped by the user.
TEST_F(SupervisorTest, EndsInOrderWhenTheMachineDoes) {
  for (const int signal : {SIGTERM, SIGURG}) {
    TestProject project;
    ContainerUnit unit = project.unit({"echo", "up", "--", "trap", "15"});
    unit.restart = RestartUnit{RestartPolicy::always, 0};
    ASSERT_TRUE(project.start(unit));
    ASSERT_TRUE(eventually([&] { return project.log(unit).size() == 2; }));
    ::kill(project.keeper(), signal);
    ASSERT_TRUE(eventually([&] { return project.supervisor() == 0 && project.keeper() == 0; }));
    const ObservedContainer state = project.state(unit);
    EXPECT_EQ(state.status, Status::exited);
    EXPECT_EQ(state.exit_code, 0);
    EXPECT_FALSE(state.manually_stopped);
  }
}

// Larger than one packet of the control socket.
TEST_F(SupervisorTest, AnExecMayHaveALargeEnvironment) {
  TestProject project;
  const ContainerUnit unit = project.unit({"pause"});
  ASSERT_TRUE(project.start(unit));
  Json process = parse_json(project.process({"env", "LAST"}), "process").value();
  for (int i = 0; i < 10; ++i) process["env"].push_back("V" + std::to_string(i) + "=" + std::string(60'000, 'x'));
  process["env"].push_back("LAST=here");
  auto exec = project.client().exec(unit.id, {.process = dump_json(process), .streams = true});
  ASSERT_TRUE(exec) << exec.error().message();
  const ExecStreams streams = exec->take_streams();
  EXPECT_THAT(read_all(streams.out.get(), 100).value(), HasSubstr("here"));
  EXPECT_EQ(exec->wait().value_or(-2), 0);
}

}  // namespace
}  // namespace consort::supervisor

// The supervisor can be killed at any time: no container restarts, no line is lost, and no exit status is forgotten.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/os/processes/process_stat.hpp"
#include "base/os/sockets/unix_socket.hpp"
#include "base/strings.hpp"
#include "project.hpp"
#include "supervisor/journal.hpp"
#include "supervisor/loop/keeper_lock.hpp"
#include "supervisor/standing.hpp"

namespace consort::supervisor {
namespace {

class TakeoverTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = TestProject::why_not(); !reason.empty()) GTEST_SKIP() << reason;
  }
  // Returns once a successor answers.
  static void kill_supervisor(const TestProject& project) {
    const pid_t old = project.supervisor();
    ASSERT_NE(old, 0);
    ::kill(old, SIGKILL);
    ASSERT_TRUE(eventually([&] {
      const pid_t now = project.supervisor();
      return now != 0 && now != old && project.client().snapshot().has_value();
    }));
  }
};

TEST_F(TakeoverTest, NoLineIsLostOrDoubledHoweverOftenItIsKilled) {
  TestProject project;
  const ContainerUnit unit = project.unit({"lines", "300000"});
  const auto started = project.start(unit);
  ASSERT_TRUE(started) << started.error().message();
  int kills = 0;
  while (project.state(unit).has_process() && kills < 200) {
    const pid_t victim = project.supervisor();
    if (victim == 0) continue;
    ::kill(victim, SIGKILL);
    ++kills;
    ::poll(nullptr, 0, 3 + kills % 20);
  }
  const auto ended = project.client().wait(unit.id);
  ASSERT_TRUE(ended) << ended.error().message();
  EXPECT_EQ(ended->exit_code, 0);
  EXPECT_EQ(ended->restart_count, 0u);
  EXPECT_EQ(ended->started_at, started->started_at);
  const std::vector<std::string> lines = project.log(unit);
  ASSERT_EQ(lines.size(), 300'000u);
  std::string first = lines.front();
  for (std::size_t i = 1; i < lines.size(); ++i) ASSERT_NE(lines[i], lines[i - 1]) << i;
  EXPECT_GT(kills, 1);
}

// The container's pipes then have no other reader than the container itself: docs/decisions/0080. A container that ends
// while both are dead loses its last lines and its status, so this one runs until it is stopped.
TEST_F(TakeoverTest, NoLineIsLostAndNothingEndsWithoutKeeperAndSupervisor) {
  TestProject project;
  const ContainerUnit unit = project.unit({"lines", "300000", "--", "trap", "15"});
  const auto started = project.start(unit);
  ASSERT_TRUE(started) << started.error().message();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(kill_both(project));
    ::poll(nullptr, 0, 20 * i);
    ASSERT_TRUE(revive_supervisor(project.roots(), project.name()));
    ASSERT_EQ(project.state(unit).pid, started->pid);
  }
  ASSERT_TRUE(eventually([&] { return project.log(unit).size() == 300'001; }));  // and "ready"
  const auto ended = project.client().stop(unit.id);
  ASSERT_TRUE(ended) << ended.error().message();
  EXPECT_EQ(ended->exit_code.value_or(0), 0);  // before Linux 6.15, it is unknown after the process was reaped
  std::vector<std::string> lines = project.log(unit);
  ASSERT_EQ(lines.size(), 300'002u);
  lines.resize(300'000);
  for (std::size_t i = 1; i < lines.size(); ++i) ASSERT_NE(lines[i], lines[i - 1]) << i;
}

// The end is then not reported, and the process may be reaped between two checks of the supervisor that takes over.
TEST_F(TakeoverTest, AnEndDuringATakeoverIsAlwaysHeardOf) {
  TestProject project;
  for (int i = 0; i < 12; ++i) {
    const ContainerUnit unit = project.unit({"pause"});
    const auto started = project.start(unit);
    ASSERT_TRUE(started) << started.error().message();
    ASSERT_TRUE(kill_both(project));
    std::jthread killer([pid = started->pid, i] {
      ::poll(nullptr, 0, i * 2);
      ::kill(pid, SIGKILL);
    });
    ASSERT_TRUE(revive_supervisor(project.roots(), project.name()));
    killer.join();
    const auto ended = project.client().wait(unit.id);
    ASSERT_TRUE(ended) << ended.error().message();
    EXPECT_EQ(ended->status, Status::exited);
  }
}

TEST_F(TakeoverTest, AnExitWhileNobodyServedIsKnown) {
  TestProject project;
  const ContainerUnit unit = project.unit({"sleep", "300", "--", "exit", "9"});
  ASSERT_TRUE(project.start(unit));
  // Keeps the supervisor dead until after the container's end.
  for (int i = 0; i < 40; ++i) {
    if (const pid_t victim = project.supervisor(); victim != 0) ::kill(victim, SIGKILL);
    ::poll(nullptr, 0, 15);
  }
  const auto ended = project.client().wait(unit.id);
  ASSERT_TRUE(ended) << ended.error().message();
  EXPECT_EQ(ended->exit_code, 9);
}

TEST_F(TakeoverTest, TheContainerKeepsItsProcessAndObeysTheSuccessor) {
  TestProject project;
  const ContainerUnit unit = project.unit({"echo", "up", "--", "trap", "15"});
  const auto started = project.start(unit);
  ASSERT_TRUE(started);
  ASSERT_TRUE(eventually([&] { return project.log(unit).size() == 2; }));
  kill_supervisor(project);
  EXPECT_EQ(project.state(unit).pid, started->pid);
  EXPECT_TRUE(project.client().pause(unit.id));
  kill_supervisor(project);
  EXPECT_EQ(project.state(unit).status, Status::paused);
  EXPECT_TRUE(project.client().unpause(unit.id));
  const auto exec = project.client().exec(unit.id, {.process = project.process({"true"})});
  EXPECT_TRUE(exec) << exec.error().message();
  const auto stopped = project.client().stop(unit.id);
  ASSERT_TRUE(stopped) << stopped.error().message();
  EXPECT_EQ(stopped->exit_code, 0);
}

TEST_F(TakeoverTest, AnExecIsWaitedForAcrossTheReplacement) {
  TestProject project;
  const ContainerUnit unit = project.unit({"pause"});
  ASSERT_TRUE(project.start(unit));
  auto exec = project.client().exec(unit.id, {.process = project.process({"sleep", "500", "--", "exit", "6"})});
  ASSERT_TRUE(exec) << exec.error().message();
  kill_supervisor(project);
  const auto code = exec->wait();
  ASSERT_TRUE(code) << code.error().message();
  EXPECT_EQ(*code, 6);
}

// The exit is then reported to another process, as for a container.
TEST_F(TakeoverTest, AnExecIsWaitedForWithoutKeeperAndSupervisor) {
  TestProject project;
  const ContainerUnit unit = project.unit({"pause"});
  ASSERT_TRUE(project.start(unit));
  auto exec = project.client().exec(unit.id, {.process = project.process({"trap", "15"})});
  ASSERT_TRUE(exec) << exec.error().message();
  ASSERT_TRUE(kill_both(project));
  ASSERT_TRUE(revive_supervisor(project.roots(), project.name()));
  ASSERT_TRUE(exec->kill(SIGKILL));
  EXPECT_TRUE(exec->wait());
}

// Its exit status is then unknown, but its end is not.
TEST_F(TakeoverTest, AnExecThatEndedMeanwhileIsNotWaitedFor) {
  TestProject project;
  const ContainerUnit unit = project.unit({"pause"});
  ASSERT_TRUE(project.start(unit));
  auto exec = project.client().exec(unit.id, {.process = project.process({"trap", "15"})});
  ASSERT_TRUE(exec) << exec.error().message();
  ASSERT_TRUE(kill_both(project));
  ASSERT_TRUE(revive_supervisor(project.roots(), project.name()));
  ASSERT_TRUE(exec->kill(SIGKILL));
  ASSERT_TRUE(eventually([&] {
    JournalPosition position;
    const auto entries = read_journal(project.run_directory(), position);
    return entries && std::ranges::count(*entries, "exec_die", &JournalEntry::action) == 1;
  }));
  EXPECT_TRUE(exec->wait());
}

TEST_F(TakeoverTest, AStopThatWasUnderWayGoesOn) {
  TestProject project;
  const ContainerUnit unit = project.unit({"handle", "15", "--", "echo", "up", "--", "pause", "--", "pause"});
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(eventually([&] { return !project.log(unit).empty(); }));
  const pid_t child = ::fork();
  if (child == 0) {
    const auto stopped = project.client().stop(unit.id, {.timeout = Milliseconds(1500), .signal = {}});
    ::_exit(stopped && stopped->exit_code == 137 ? 0 : 1);
  }
  ChildGuard stopping(child);
  ASSERT_TRUE(eventually([&] {
    const auto record = read_file(run_state_path(project.run_directory(), unit.id));
    return record && record->find("\"stop\":{") != std::string::npos;
  }));
  kill_supervisor(project);
  EXPECT_TRUE(stopping.wait()->success());
  EXPECT_EQ(project.state(unit).exit_code, 137);
}

TEST_F(TakeoverTest, ABackOffGoesOn) {
  TestProject project;
  ContainerUnit unit = project.unit({"echo", "run", "--", "exit", "1"});
  unit.restart = RestartUnit{RestartPolicy::always, 0};
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(eventually([&] {
    const ContainerState state = project.state(unit);
    return state.status == Status::restarting && state.restart_count >= 2;
  }));
  kill_supervisor(project);
  ASSERT_TRUE(eventually([&] { return project.state(unit).restart_count >= 4; }));
  EXPECT_EQ(project.client().stop(unit.id)->status, Status::exited);
}

TEST_F(TakeoverTest, StandardInputSurvives) {
  TestProject project;
  ContainerUnit unit = project.unit({"cat"});
  unit.open_stdin = unit.stdin_once = true;
  ASSERT_TRUE(project.start(unit));
  kill_supervisor(project);
  {
    auto attachment = project.client().attach(unit.id);
    ASSERT_TRUE(attachment) << attachment.error().message();
    ASSERT_TRUE(write_full(attachment->input.get(), "typed\n"));
  }
  EXPECT_EQ(project.client().wait(unit.id)->exit_code, 0);
  EXPECT_EQ(project.log(unit), std::vector<std::string>{"typed"});
}

// Not guaranteed by the design, but it must be handled sanely: the container keeps running, and no available
// information is lost.
TEST_F(TakeoverTest, WithoutItsKeeperAProjectIsPickedUpByTheNextCommand) {
  TestProject project;
  const ContainerUnit unit = project.unit({"pause"});
  const auto started = project.start(unit);
  ASSERT_TRUE(started);
  ::kill(project.keeper(), SIGKILL);
  ASSERT_TRUE(eventually([&] { return project.supervisor() == 0; }));
  EXPECT_TRUE(project.state(unit).has_process());
  ASSERT_TRUE(project.client().ensure());
  EXPECT_EQ(project.state(unit).pid, started->pid);
  const auto stopped = project.client().stop(unit.id);
  ASSERT_TRUE(stopped) << stopped.error().message();
  EXPECT_EQ(stopped->status, Status::exited);
}

// The supervisor still answers, but no process would start its successor.
TEST_F(TakeoverTest, TheNextCommandWaitsForASupervisorWithoutAKeeperToEnd) {
  TestProject project;
  const ContainerUnit unit = project.unit({"pause"});
  ASSERT_TRUE(project.start(unit));
  const pid_t old = project.supervisor(), keeper = project.keeper();
  ASSERT_TRUE(old > 0 && keeper > 0);
  ::kill(old, SIGSTOP);
  ::kill(keeper, SIGKILL);
  ASSERT_TRUE(eventually([&] { return !keeper_lives(project.run_directory()); }));
  EXPECT_TRUE(project.client().running().value());
  const std::jthread later([old] {
    ::poll(nullptr, 0, 200);
    ::kill(old, SIGCONT);
  });
  EXPECT_TRUE(revive_supervisor(project.roots(), project.name()).value());
  EXPECT_NE(project.supervisor(), old);
  EXPECT_TRUE(project.state(unit).running());
}

TEST_F(TakeoverTest, ARestartThatWasDueWhenBothWereKilledGoesOn) {
  TestProject project;
  ContainerUnit unit = project.unit({"exit", "3"});
  unit.restart.policy = RestartPolicy::always;
  ASSERT_TRUE(project.start(unit));
  // The pauses double; in one of half a second or more, there is time to kill both.
  ASSERT_TRUE(eventually([&] { return project.state(unit).restart_count >= 3; }));
  ASSERT_TRUE(kill_both(project));
  EXPECT_TRUE(revive_supervisor(project.roots(), project.name()).value());
  const unsigned before = project.state(unit).restart_count;
  EXPECT_TRUE(eventually([&] { return project.state(unit).restart_count > before; }));
}

// Nothing restarts a keeper. Its supervisor lives on, and must still serve commands.
class OutlivedTest : public TakeoverTest {
 protected:
  void SetUp() override {
    TakeoverTest::SetUp();
    if (IsSkipped()) return;
    project_.emplace();
    unit_ = project_->unit({"handle", "1", "--", "pause"});
    const auto started = project_->start(unit_);
    ASSERT_TRUE(started) << started.error().message();
    pid_ = started->pid;
    ASSERT_TRUE(eventually([&] { return project_->log(unit_) == std::vector<std::string>{"ready"}; }));
    const pid_t supervisor = project_->supervisor();
    ::kill(project_->keeper(), SIGKILL);
    ::kill(supervisor, SIGKILL);
    // A process that is ending has no command line any more while its lock and socket still exist.
    ASSERT_TRUE(eventually([&] {
      return project_->supervisor() == 0 && !project_->client().running().value_or(true) &&
             !keeper_lives(project_->run_directory());
    }));
  }
  bool logged_again() const {
    return eventually([&] { return project_->log(unit_) == std::vector<std::string>{"ready", "got 1"}; });
  }
  std::optional<TestProject> project_;
  ContainerUnit unit_;
  pid_t pid_ = 0;
};

TEST_F(OutlivedTest, LookingStartsNothing) {
  EXPECT_EQ(project_->state(unit_).status, Status::running);
  EXPECT_EQ(project_->supervisor(), 0);
}

TEST_F(OutlivedTest, Stops) {
  const auto stopped = project_->client().stop(unit_.id, {.timeout = Milliseconds(0), .signal = {}});
  ASSERT_TRUE(stopped) << stopped.error().message();
  EXPECT_EQ(stopped->status, Status::exited);
}

TEST_F(OutlivedTest, EndsWithTheProject) {
  ASSERT_TRUE(project_->client().shutdown());
  EXPECT_FALSE(project_->state(unit_).has_process());
  EXPECT_TRUE(eventually([&] { return has_ended(pid_); }));
}

TEST_F(OutlivedTest, RunsAnExec) {
  auto exec = project_->client().exec(unit_.id, {.process = project_->process({"exit", "6"})});
  ASSERT_TRUE(exec) << exec.error().message();
  EXPECT_EQ(exec->wait().value_or(-2), 6);
  EXPECT_EQ(project_->state(unit_).pid, pid_);
}

TEST_F(OutlivedTest, IsKilled) {
  ASSERT_TRUE(project_->client().kill(unit_.id, SIGKILL));
  EXPECT_TRUE(project_->client().wait(unit_.id));
  EXPECT_FALSE(project_->state(unit_).has_process());
}

TEST_F(OutlivedTest, IsPausedAndGoesOn) {
  ASSERT_TRUE(project_->client().pause(unit_.id));
  EXPECT_EQ(project_->state(unit_).status, Status::paused);
  EXPECT_TRUE(project_->client().unpause(unit_.id));
  EXPECT_EQ(project_->state(unit_).pid, pid_);
}

TEST_F(OutlivedTest, ItsOutputIsLoggedAgain) {
  ASSERT_TRUE(project_->client().kill(unit_.id, SIGHUP));
  EXPECT_TRUE(logged_again());
}

TEST_F(OutlivedTest, TheNewPairIsAsGoodAsTheFirst) {
  ASSERT_TRUE(revive_supervisor(project_->roots(), project_->name()));
  kill_supervisor(*project_);
  ASSERT_TRUE(project_->client().kill(unit_.id, SIGHUP));
  EXPECT_TRUE(logged_again());
}

TEST_F(OutlivedTest, IsRevivedOnce) {
  EXPECT_TRUE(revive_supervisor(project_->roots(), project_->name()).value());
  EXPECT_FALSE(revive_supervisor(project_->roots(), project_->name()).value());
  EXPECT_EQ(project_->client().snapshot()->size(), 1u);
}

// `pkill -f consort-supervisor` must only hit one of the two.
TEST_F(TakeoverTest, TheKeeperDoesNotBearTheNameOfTheSupervisor) {
  TestProject project;
  ASSERT_TRUE(project.start(project.unit({"pause"})));
  const auto line = read_file("/proc/" + std::to_string(project.keeper()) + "/cmdline", 65536);
  ASSERT_TRUE(line);
  const std::vector<std::string> words = split(*line, '\0');
  EXPECT_THAT(words, testing::Contains(project.name()));
  EXPECT_THAT(words, testing::Not(testing::Contains(testing::EndsWith("/consort-supervisor"))));
}

TEST_F(TakeoverTest, TheEndOfAProjectLeavesNoSocketOfOneThatWasKilled) {
  TestProject project;
  ASSERT_TRUE(project.client().ensure());
  ASSERT_TRUE(kill_both(project));
  EXPECT_TRUE(path_exists(control_socket_path(project.run_directory())));
  ASSERT_TRUE(project.client().end());
  EXPECT_FALSE(path_exists(control_socket_path(project.run_directory())));
}

// Opens connections that are not accepted, until the queue is full.
std::vector<Fd> fill_queue(const std::string& path) {
  std::vector<Fd> waiting;
  const UnixAddress address = unix_address(path).value();
  while (true) {
    Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.name), address.size) != 0) return waiting;
    waiting.push_back(std::move(fd));
  }
}

// A command must not wait forever for a supervisor that was stopped (SIGSTOP).
TEST_F(TakeoverTest, AStoppedSupervisorIsTold) {
  TestProject project;
  const ContainerUnit unit = project.unit({"pause"});
  ASSERT_TRUE(project.start(unit));
  const pid_t supervisor = project.supervisor();
  const auto patience = std::make_shared<Patience>(), of_another_command = std::make_shared<Patience>();
  ASSERT_EQ(::kill(supervisor, SIGSTOP), 0);
  const auto looked = Client(project.roots(), project.name(), patience).snapshot();
  const auto stopped = who_is_stopped(project.roots(), project.name());
  EXPECT_EQ(patience->most_looks(), 1) << "a command waits once";
  EXPECT_EQ(of_another_command->most_looks(), 3);
  std::vector<Fd> waiting = fill_queue(control_socket_path(project.run_directory()));
  const auto ensured = project.client().ensure();
  waiting.clear();
  ::kill(supervisor, SIGCONT);
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().code(), Code::busy);
  const std::string reason = std::to_string(supervisor) + " is stopped";
  EXPECT_THAT(looked.error().message(), testing::HasSubstr(reason));
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->message(), looked.error().message());
  EXPECT_FALSE(who_is_stopped(project.roots(), project.name())) << "it goes on";
  ASSERT_FALSE(ensured);
  EXPECT_EQ(ensured.error().code(), Code::busy);
  EXPECT_THAT(ensured.error().message(), testing::HasSubstr(reason));
  EXPECT_TRUE(project.client().snapshot());
}

// Sends signals to this thread more often than a supervisor that does not answer is checked.
class Impatience {
 public:
  Impatience() {
    struct sigaction heard {};
    heard.sa_handler = [](int) {};
    ::sigaction(SIGUSR1, &heard, &before_);
    sender_ = std::jthread([this, victim = ::pthread_self()](const std::stop_token& stop) {
      for (int i = 0; i < 150 && !stop.stop_requested(); ++i) {
        ::pthread_kill(victim, SIGUSR1);
        ::poll(nullptr, 0, 200);
      }
      over_ = !stop.stop_requested();
    });
  }
  Impatience(const Impatience&) = delete;
  Impatience& operator=(const Impatience&) = delete;
  ~Impatience() {
    sender_ = {};
    ::sigaction(SIGUSR1, &before_, nullptr);
  }
  bool goes_on() const { return !over_; }

 private:
  struct sigaction before_ {};
  std::atomic<bool> over_ = false;
  std::jthread sender_;  // the last member, because it uses those above
};

// The keeper is told of a container's end. Signals to the waiting process must not delay the answer.
TEST_F(TakeoverTest, AStoppedKeeperIsTold) {
  TestProject project;
  const ContainerUnit unit = project.unit({"pause"});
  ASSERT_TRUE(project.start(unit));
  const pid_t keeper = project.keeper();
  ASSERT_EQ(::kill(keeper, SIGSTOP), 0);
  auto exec = project.client().exec(unit.id, {.process = project.process({"exit", "7"})});
  ASSERT_TRUE(exec);
  std::optional<Impatience> user(std::in_place);
  const auto ended = exec->wait();
  EXPECT_TRUE(user->goes_on());
  user.reset();
  const auto stopped = project.client().stop(unit.id, {.timeout = std::chrono::milliseconds(0)});
  ::kill(keeper, SIGCONT);
  const std::string reason = std::to_string(keeper) + " is stopped";
  ASSERT_FALSE(ended);
  EXPECT_THAT(ended.error().message(), testing::HasSubstr(reason));
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), Code::busy);
  EXPECT_THAT(stopped.error().message(), testing::HasSubstr(reason));
  EXPECT_EQ(exec->wait().value(), 7);
  EXPECT_TRUE(project.client().stop(unit.id));
}

// A command that waits for a supervisor to become ready can be interrupted.
TEST_F(TakeoverTest, AStartCanBeLeftBeforeThereIsASupervisor) {
  TestProject project;
  const std::string unit = project.write(project.unit({"pause"}));
  Pipe wish = make_pipe().value();
  wish.write.reset();
  ASSERT_TRUE(make_directories(project.run_directory(), 0700));
  {
    const Fd starter = open_file(project.run_directory() + "/supervisor.lock", O_RDWR | O_CREAT, 0600).value();
    ASSERT_EQ(::flock(starter.get(), LOCK_EX), 0);
    const auto started = project.client().start(unit, nullptr, wish.read.get());
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code(), Code::interrupted);
  }
  ASSERT_TRUE(project.client().start(unit));
  const pid_t keeper = project.keeper();
  ASSERT_EQ(::kill(keeper, SIGSTOP), 0);
  const pid_t supervisor = project.supervisor();
  ASSERT_EQ(::kill(supervisor, SIGKILL), 0);
  while (stat_fields_of(supervisor).value().state() != 'Z') ::usleep(1000);  // its keeper cannot reap it
  const auto ensured = ensure_supervisor(project.roots(), project.name(), wish.read.get());
  ::kill(keeper, SIGCONT);
  ASSERT_FALSE(ensured);
  EXPECT_EQ(ensured.error().code(), Code::interrupted);
  EXPECT_TRUE(project.client().ensure());
}

TEST_F(TakeoverTest, NothingIsRevivedWhereNothingRuns) {
  TestProject project;
  EXPECT_FALSE(revive_supervisor(project.roots(), project.name()).value());
}

}  // namespace
}  // namespace consort::supervisor

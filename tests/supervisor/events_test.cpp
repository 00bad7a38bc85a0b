// The content of a project's journal after events in its containers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "base/os/processes/process.hpp"
#include "project.hpp"
#include "supervisor/journal.hpp"

namespace consort::supervisor {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Pair;

class EventsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = TestProject::why_not(); !reason.empty()) GTEST_SKIP() << reason;
  }
  std::vector<JournalEntry> entries() {
    JournalPosition position;
    auto read = read_journal(project_.run_directory(), position);
    EXPECT_TRUE(read);
    return read ? std::move(*read) : std::vector<JournalEntry>();
  }
  std::vector<std::string> actions() {
    std::vector<std::string> result;
    for (const JournalEntry& entry : entries()) result.push_back(entry.action);
    return result;
  }
  JournalEntry last(const std::string& action) {
    const auto all = entries();
    const auto found = std::ranges::find(all.rbegin(), all.rend(), action, &JournalEntry::action);
    EXPECT_NE(found, all.rend()) << action;
    return found == all.rend() ? JournalEntry{} : *found;
  }
  void exec(const ContainerUnit& unit, const std::vector<std::string>& words) {
    auto session = project_.client().exec(unit.id, {.process = project_.process(words)});
    ASSERT_TRUE(session) << session.error().message();
    (void)session->wait();
  }

  TestProject project_;
};

TEST_F(EventsTest, TellsAStopInDockersOrder) {
  const ContainerUnit unit = project_.unit({"echo", "up", "--", "trap", "15"});
  ASSERT_TRUE(project_.start(unit));
  ASSERT_TRUE(eventually([&] { return project_.log(unit).size() == 2; }));
  ASSERT_TRUE(project_.client().stop(unit.id));
  EXPECT_THAT(actions(), ElementsAre("start", "kill", "stop", "die"));
  EXPECT_THAT(last("kill").attributes, ElementsAre(Pair("signal", "15")));
  EXPECT_THAT(last("die").attributes,
              AllOf(Contains(Pair("exitCode", "0")), Contains(Pair("execDuration", testing::_))));
  EXPECT_EQ(last("die").name, unit.name);
  EXPECT_EQ(last("die").id, unit.id);
}

TEST_F(EventsTest, AnEndOfItsOwnIsNoStop) {
  const ContainerUnit unit = project_.unit({"exit", "3"});
  ASSERT_TRUE(project_.start(unit));
  ASSERT_TRUE(project_.client().wait(unit.id));
  EXPECT_THAT(actions(), ElementsAre("start", "die"));
  EXPECT_THAT(last("die").attributes, Contains(Pair("exitCode", "3")));
}

TEST_F(EventsTest, APausedContainerHearsTheSignalAndIsThawed) {
  const ContainerUnit unit = project_.unit({"echo", "up", "--", "trap", "15"});
  ASSERT_TRUE(project_.start(unit));
  ASSERT_TRUE(eventually([&] { return project_.log(unit).size() == 2; }));
  ASSERT_TRUE(project_.client().pause(unit.id));
  const auto stopped = project_.client().stop(unit.id);
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->exit_code, 0);
  EXPECT_THAT(actions(), ElementsAre("start", "pause", "kill", "unpause", "stop", "die"));
}

TEST_F(EventsTest, KillingAPausedContainerDoesNotUnpauseIt) {
  const ContainerUnit unit = project_.unit({"pause"});
  ASSERT_TRUE(project_.start(unit));
  ASSERT_TRUE(project_.client().pause(unit.id));
  ASSERT_TRUE(project_.client().kill(unit.id, SIGKILL));
  ASSERT_TRUE(project_.client().wait(unit.id));
  EXPECT_THAT(actions(), ElementsAre("start", "pause", "kill", "die"));
  EXPECT_THAT(last("die").attributes, Contains(Pair("exitCode", "137")));
}

TEST_F(EventsTest, RestartsByPolicyAreStarts) {
  ContainerUnit unit = project_.unit({"exit", "4"});
  unit.restart = RestartUnit{RestartPolicy::on_failure, 2};
  ASSERT_TRUE(project_.start(unit));
  ASSERT_TRUE(project_.client().wait(unit.id));
  EXPECT_THAT(actions(), ElementsAre("start", "die", "start", "die", "start", "die"));
}

TEST_F(EventsTest, ARestartFollowsItsStart) {
  const ContainerUnit unit = project_.unit({"pause"});
  ASSERT_TRUE(project_.start(unit));
  ASSERT_TRUE(project_.client().restart(unit.id, {.timeout = Milliseconds(0), .signal = {}}));
  EXPECT_THAT(actions(), ElementsAre("start", "kill", "stop", "die", "start", "restart"));
}

TEST_F(EventsTest, AProcessInAContainerHasANumberAndACode) {
  const ContainerUnit unit = project_.unit({"pause"});
  ASSERT_TRUE(project_.start(unit));
  exec(unit, {"exit", "5"});
  ASSERT_TRUE(eventually([&] { return actions().size() == 4; }));
  const auto all = entries();
  EXPECT_THAT(all[1].action, testing::StartsWith("exec_create: "));
  EXPECT_THAT(all[1].action, testing::EndsWith("probe exit 5"));
  EXPECT_THAT(all[2].action, testing::StartsWith("exec_start: "));
  EXPECT_EQ(all[3].action, "exec_die");
  EXPECT_THAT(all[3].attributes, ElementsAre(Pair("exitCode", "5")));
  EXPECT_NE(all[1].exec, 0u);
  EXPECT_EQ(all[1].exec, all[2].exec);
  EXPECT_EQ(all[1].exec, all[3].exec);
}

TEST_F(EventsTest, ASuccessorGoesOnWriting) {
  const ContainerUnit unit = project_.unit({"pause"});
  ASSERT_TRUE(project_.start(unit));
  auto session = project_.client().exec(unit.id, {.process = project_.process({"sleep", "500", "--", "exit", "6"})});
  ASSERT_TRUE(session);
  const pid_t before = project_.supervisor();
  ASSERT_EQ(::kill(before, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] {
    const pid_t now = project_.supervisor();
    return now != 0 && now != before;
  }));
  (void)session->wait();
  ASSERT_TRUE(eventually([&] { return actions().size() == 4; }));
  EXPECT_EQ(actions()[3], "exec_die");
  EXPECT_THAT(last("exec_die").attributes, ElementsAre(Pair("exitCode", "6")));
  EXPECT_EQ(entries()[1].exec, entries()[3].exec);
  ASSERT_TRUE(project_.client().stop(unit.id, {.timeout = Milliseconds(0), .signal = {}}));
  EXPECT_EQ(actions().back(), "die");
}

TEST_F(EventsTest, HealthIsToldWhenItChanges) {
  ContainerUnit unit = project_.unit({"pause"});
  unit.health = HealthUnit{};
  unit.health->argv = {"/probe", "true"};
  unit.health->interval = Milliseconds(20);
  ASSERT_TRUE(project_.start(unit));
  ASSERT_TRUE(eventually([&] { return std::ranges::count(actions(), "exec_die") > 2; }));
  EXPECT_EQ(std::ranges::count(actions(), "health_status: healthy"), 1);
  ASSERT_TRUE(project_.client().stop(unit.id, {.timeout = Milliseconds(0), .signal = {}}));
  EXPECT_EQ(std::ranges::count(actions(), "health_status: unhealthy"), 0);  // caused by the stop
}

TEST_F(EventsTest, AJournalThatCannotBeWrittenHindersNothing) {
  ASSERT_TRUE(project_.client().ensure());
  ASSERT_TRUE(make_directories(journal_path(project_.run_directory())));
  const ContainerUnit unit = project_.unit({"exit", "2"});
  ASSERT_TRUE(project_.start(unit));
  EXPECT_EQ(project_.client().wait(unit.id)->exit_code, 2);
}

}  // namespace
}  // namespace consort::supervisor

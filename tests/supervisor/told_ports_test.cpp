// Firewall entries for a container's ports are removed, whichever process is killed when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "network_fixture.hpp"
#include "supervisor/container/record.hpp"
#include "supervisor/loop/keeper_lock.hpp"

namespace consort::supervisor {
namespace {

class ToldPortsTest : public NetworkTest {
 protected:
  void SetUp() override {
    NetworkTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    project_.emplace();
    unit_ = networked(*project_, {"pause"}, "10.77.0.2", {"db"});
    unit_.ports = {PortUnit{"127.0.0.1", 0, 0, 7000, "udp"}, PortUnit{"127.0.0.1", 0, 0, 7000, "tcp"},
                   PortUnit{"", 0, 0, 7001, "tcp"}};
    const auto started = project_->start(unit_);
    ASSERT_TRUE(started) << started.error().message();
    pid_ = started->pid;
    ports_ = started->ports;
    ASSERT_EQ(told(), ports_.size());
  }
  void TearDown() override {
    project_.reset();
    NetworkTest::TearDown();
  }

  // The number of the firewall's elements for our ports.
  static std::size_t told() {
    return std::stoul(shell("nft list table inet consort | grep -Eo '(tcp|udp) [.] [0-9]+' | wc -l"));
  }
  // Neither of them notices the other's end.
  void kill_both() const {
    const pid_t keeper = project_->keeper(), supervisor = project_->supervisor();
    ::kill(keeper, SIGSTOP);
    ::kill(supervisor, SIGKILL);
    ::kill(keeper, SIGKILL);
    ASSERT_TRUE(eventually([&] { return project_->supervisor() == 0 && !keeper_lives(project_->run_directory()); }));
    ASSERT_NE(told(), 0u);
  }
  void kill_container() const {
    ::kill(pid_, SIGKILL);
    ASSERT_TRUE(eventually([&] { return has_ended(pid_); }));
  }
  // Changes the state to that left by a supervisor that was killed at another moment.
  template <typename Change>
  void rewrite(const Change& change) const {
    const std::string path = run_state_path(project_->run_directory(), unit_.id);
    auto record = record_from_json(read_file(path).value(), path);
    ASSERT_TRUE(record) << record.error().message();
    change(*record);
    ASSERT_TRUE(write_file_atomic(path, record_to_json(*record)));
  }

  std::optional<TestProject> project_;
  ContainerUnit unit_;
  pid_t pid_ = 0;
  std::vector<BoundPort> ports_;
};

TEST_F(ToldPortsTest, WhenTheContainerEndsWithoutKeeperAndSupervisor) {
  kill_both();
  kill_container();
  EXPECT_TRUE(project_->client().stop(unit_.id));
  EXPECT_EQ(told(), 0u);
}

TEST_F(ToldPortsTest, WhenTheContainerEndsWithoutASupervisor) {
  ::kill(project_->keeper(), SIGSTOP);
  ::kill(project_->supervisor(), SIGKILL);
  kill_container();
  ::kill(project_->keeper(), SIGCONT);
  EXPECT_TRUE(project_->client().wait(unit_.id));
  EXPECT_EQ(told(), 0u);
}

// The container's ports were published, but its process had not yet passed execve.
TEST_F(ToldPortsTest, WhenAStartWasCut) {
  kill_both();
  kill_container();
  rewrite([](Record& record) {
    record.launching = true;
    record.state.status = Status::created;
    record.state.pid = 0;
    record.state.ports.clear();
  });
  EXPECT_TRUE(project_->client().forget(unit_.id));
  EXPECT_EQ(told(), 0u);
}

// The end was recorded, but nothing had been released yet.
TEST_F(ToldPortsTest, WhenAnEndWasCut) {
  kill_both();
  kill_container();
  rewrite([](Record& record) {
    record.state.status = Status::exited;
    record.state.pid = 0;
    record.state.ports.clear();
  });
  EXPECT_TRUE(project_->client().forget(unit_.id));
  EXPECT_EQ(told(), 0u);
}

TEST_F(ToldPortsTest, AtOnceAfterATakeover) {
  for (int i = 0; i < 5; ++i) {
    kill_both();
    ASSERT_TRUE(project_->client().stop(unit_.id, {.timeout = Milliseconds(0), .signal = {}}));
    EXPECT_EQ(told(), 0u);
    const auto started = project_->start(unit_);
    ASSERT_TRUE(started) << started.error().message();
    ASSERT_EQ(told(), started->ports.size());
  }
}

TEST_F(ToldPortsTest, ButNotOfAPortThatSomebodyElseHasNow) {
  kill_both();
  kill_container();
  TestProject another;
  ContainerUnit other = networked(another, {"pause"}, "10.77.0.3", {"other"});
  other.ports = {PortUnit{"127.0.0.1", ports_[0].host_port, 0, 7000, "udp"}};
  const auto started = another.start(other);
  ASSERT_TRUE(started) << started.error().message();
  EXPECT_TRUE(project_->client().stop(unit_.id));
  EXPECT_EQ(told(), 1u);
  EXPECT_TRUE(another.client().stop(other.id));
  EXPECT_EQ(told(), 0u);
}

}  // namespace
}  // namespace consort::supervisor

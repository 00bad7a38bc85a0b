// Keeper and supervisor are killed, and another process takes one of the published ports before the next command.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <algorithm>
#include <sstream>

#include "base/strings.hpp"
#include "network_fixture.hpp"
#include "supervisor/journal.hpp"

namespace consort::supervisor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAreArray;

Fd listen_on(std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  const bool listens =
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 && ::listen(fd.get(), 1) == 0;
  return listens ? std::move(fd) : Fd();
}

class LostPortsTest : public NetworkTest {
 protected:
  void SetUp() override {
    NetworkTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    project_.emplace();
    unit_ = networked(*project_, {"pause"}, "10.77.0.2", {"db"});
    for (const std::uint16_t inside : {7000, 7001, 7002})
      unit_.ports.push_back(PortUnit{"0.0.0.0", 0, 0, inside, "tcp"});
    const auto started = project_->start(unit_);
    ASSERT_TRUE(started) << started.error().message();
    ports_ = started->ports;
    ASSERT_EQ(ports_.size(), 3u);
    stolen_ = ports_[1];
    kept_ = {ports_[0], ports_[2]};
    ASSERT_TRUE(kill_both(*project_));
    ASSERT_TRUE(eventually([&] { return static_cast<bool>(thief_ = listen_on(stolen_.host_port)); }));
    ASSERT_TRUE(revive_supervisor(project_->roots(), project_->name()));
    ASSERT_TRUE(eventually([&] { return !state().lost_ports.empty(); }));
  }
  void TearDown() override {
    project_.reset();
    NetworkTest::TearDown();
  }

  ContainerState state() const { return project_->state(unit_); }
  // "PORT INSIDE" of each redirection.
  static std::vector<std::string> redirected() {
    std::istringstream lines(shell("nft list table inet consort | grep -Eo 'tcp [.] [0-9]+ : [0-9.]+ [.] [0-9]+'"));
    std::vector<std::string> all;
    for (std::string line; std::getline(lines, line);) {
      const std::vector<std::string> words = split(line, ' ');
      all.push_back(words.at(2) + " " + words.back());
    }
    return all;
  }
  static std::vector<std::string> redirections_of(const std::vector<BoundPort>& ports) {
    std::vector<std::string> all;
    for (const BoundPort& port : ports)
      all.push_back(std::to_string(port.host_port) + " " + std::to_string(port.container_port));
    return all;
  }
  std::vector<std::string> journal() const {
    JournalPosition position;
    std::vector<std::string> actions;
    const auto entries = read_journal(project_->run_directory(), position);
    for (const JournalEntry& entry : *entries)
      if (entry.action.starts_with("port_")) actions.push_back(entry.action);
    return actions;
  }

  std::optional<TestProject> project_;
  ContainerUnit unit_;
  std::vector<BoundPort> ports_, kept_;
  BoundPort stolen_;
  Fd thief_;
};

TEST_F(LostPortsTest, TheOthersAreServedAndThatOneIsTold) {
  EXPECT_THAT(state().ports, UnorderedElementsAreArray(kept_));
  ASSERT_EQ(state().lost_ports.size(), 1u);
  EXPECT_EQ(state().lost_ports[0].port, stolen_);
  EXPECT_THAT(state().lost_ports[0].why, HasSubstr("already in use"));
  // Connections to the new owner are not redirected.
  EXPECT_THAT(redirected(), UnorderedElementsAreArray(redirections_of(kept_)));
  EXPECT_THAT(journal(),
              ElementsAre(HasSubstr("port_lost: 0.0.0.0:" + std::to_string(stolen_.host_port) + "->7001/tcp")));
}

TEST_F(LostPortsTest, ItIsServedAgainWhenTheOtherIsGone) {
  kill_supervisor(*project_);  // its successor knows the container and its ports
  EXPECT_TRUE(eventually([&] { return redirected().size() == 2 && state().lost_ports.size() == 1; }));
  EXPECT_THAT(redirected(), UnorderedElementsAreArray(redirections_of(kept_)));
  thief_.reset();
  EXPECT_TRUE(eventually([&] { return state().lost_ports.empty(); }));
  EXPECT_THAT(state().ports, UnorderedElementsAreArray(ports_));
  EXPECT_THAT(redirected(), UnorderedElementsAreArray(redirections_of(ports_)));
  EXPECT_THAT(journal().back(), testing::StartsWith("port_served: "));
  // The keeper knows that as well.
  kill_supervisor(*project_);
  EXPECT_FALSE(listen_on(stolen_.host_port));
  EXPECT_TRUE(eventually([&] { return redirected().size() == 3; }));
  EXPECT_THAT(state().ports, UnorderedElementsAreArray(ports_));
  EXPECT_TRUE(project_->client().stop(unit_.id, {.timeout = Milliseconds(0), .signal = {}}));
  EXPECT_THAT(redirected(), testing::IsEmpty());
}

}  // namespace
}  // namespace consort::supervisor

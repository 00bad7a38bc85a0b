// Ports of a container on a routed network: open at its own address as long as it runs, whichever process is killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "network_fixture.hpp"

namespace consort::supervisor {
namespace {

class RoutedPortsTest : public NetworkTest {
 protected:
  static std::string opened() { return shell("nft list set inet consort open4"); }
};

TEST_F(RoutedPortsTest, AreOpenAtItsOwnAddressWhileItRuns) {
  std::optional<TestProject> project(std::in_place);
  ContainerUnit unit = networked(*project, {"pause"}, "10.77.0.2", {"db"});
  unit.endpoints.front().routed4 = true;
  unit.ports = {PortUnit{"", 0, 0, 7000, "tcp"}, PortUnit{"::1", 0, 0, 7001, "tcp"}};
  const auto started = project->start(unit);
  ASSERT_TRUE(started) << started.error().message();
  // No host port for this address family; for the other family, through the relay.
  ASSERT_EQ(started->ports.size(), 3u);
  EXPECT_EQ(started->ports.front(), (BoundPort{"0.0.0.0", 0, 7000, "tcp"}));
  EXPECT_EQ(started->ports[1].host_ip, "::");
  EXPECT_THAT(opened(), testing::HasSubstr("10.77.0.2 . tcp . 7000"));
  EXPECT_THAT(opened(), testing::Not(testing::HasSubstr("7001")));

  kill_supervisor(*project);
  EXPECT_EQ(project->client().snapshot()->front().ports.front().host_port, 0);
  EXPECT_THAT(opened(), testing::HasSubstr("10.77.0.2 . tcp . 7000"));
  EXPECT_TRUE(project->client().stop(unit.id));
  EXPECT_THAT(opened(), testing::Not(testing::HasSubstr("10.77.0.2")));

  // Another container gets the address of an interrupted one, whose open ports are closed.
  shell("nft add element inet consort open4 '{ " + unit.endpoints.front().bridge + " . 10.77.0.3 . tcp . 22 }'");
  ContainerUnit next = networked(*project, {"pause"}, "10.77.0.3", {"web"});
  next.endpoints.front().routed4 = true;
  ASSERT_TRUE(project->start(next));
  EXPECT_THAT(opened(), testing::Not(testing::HasSubstr("10.77.0.3")));
  project.reset();
}

// The firewall is emptied unobserved; only the container shows what its network needs.
TEST_F(RoutedPortsTest, AnEmptiedFirewallIsPutBackAsTheNetworkWantsIt) {
  TestProject project;
  ContainerUnit unit = networked(project, {"pause"}, "10.77.0.2", {"db"});
  unit.endpoints.front().direct4 = true;
  unit.endpoints.front().masquerade = false;
  shell("nft flush ruleset");
  ASSERT_TRUE(project.start(unit));
  const std::string bridge = unit.endpoints.front().bridge;
  EXPECT_TRUE(eventually([&] { return shell("nft list set inet consort direct").contains(bridge); }));
  EXPECT_THAT(shell("nft list set inet consort bridges"), testing::HasSubstr(bridge));
  EXPECT_THAT(shell("nft list set inet consort hidden"), testing::Not(testing::HasSubstr(bridge)));
}

}  // namespace
}  // namespace consort::supervisor

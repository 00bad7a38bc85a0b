// Connecting networks to a running container and disconnecting them. docs/decisions/0105.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "network_fixture.hpp"
#include "supervisor/journal.hpp"

namespace consort::supervisor {
namespace {

class ReconnectTest : public NetworkTest {
 protected:
  void SetUp() override {
    NetworkTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    BridgeNetwork network;
    network.network_id = std::string(64, '8');
    network.name = "back";
    network.bridge = bridge_name(network.network_id);
    network.addresses = {{Subnet::parse("10.78.0.0/24").value(), Address::parse("10.78.0.1").value()}};
    REQUIRE_OK(create_bridge(network));
  }
  EndpointUnit back(const std::string& address, std::vector<std::string> names) const {
    EndpointUnit made = endpoint(address, std::move(names));
    made.network_id = std::string(64, '8');
    made.network_name = "back";
    made.bridge = bridge_name(made.network_id);
    made.ifname = "eth1";
    made.gateway4 = "10.78.0.1";
    made.default_route = false;
    return made;
  }
  // The container is only on the second network, which then has its ports and default route.
  static ContainerUnit moved(ContainerUnit unit, EndpointUnit to) {
    to.default_route = true;
    unit.endpoints = {std::move(to)};
    return unit;
  }
  static Result<ObservedContainer> reconnect(TestProject& project, const ContainerUnit& unit) {
    (void)project.write(unit);
    return project.client().reconnect(unit.id);
  }
  static std::vector<std::string> networks_of(const ObservedContainer& state) {
    std::vector<std::string> names;
    for (const EndpointAddress& address : state.addresses) names.push_back(address.network_name + " " + address.ipv4);
    return names;
  }
  static bool serves(const std::string& address, std::uint16_t port) {
    return test::tcp_ask(address, port, "").starts_with("from db");
  }
  static std::vector<std::string> network_events(const TestProject& project) {
    JournalPosition position;
    std::vector<std::string> events;
    const auto entries = read_journal(project.run_directory(), position).value();
    for (const JournalEntry& entry : entries)
      if (!entry.network_id.empty()) events.push_back(entry.action + " " + entry.network_name);
    return events;
  }
};

TEST_F(ReconnectTest, NamesAndAddressesAreThereAtOnceAndPortsFollowTheDefaultRoute) {
  TestProject project;
  ContainerUnit db = networked(project, {"serve", "5432", "from db"}, "10.77.0.2", {"db"});
  db.ports = {PortUnit{"127.0.0.1", 0, 0, 5432, "tcp"}};
  ContainerUnit web = networked(project, {"pause"}, "10.77.0.3", {"web"});
  web.endpoints.push_back(back("10.78.0.3", {"web"}));
  const auto started = project.start(db);
  ASSERT_TRUE(started) << started.error().message();
  const auto peer = project.start(web);
  ASSERT_TRUE(peer) << peer.error().message();
  const std::uint16_t port = started->ports.at(0).host_port;

  ContainerUnit both = db;
  both.endpoints.push_back(back("10.78.0.2", {"db", "other"}));
  const auto joined = reconnect(project, both);
  ASSERT_TRUE(joined) << joined.error().message();
  EXPECT_EQ(joined->pid, started->pid);
  EXPECT_THAT(networks_of(*joined), testing::ElementsAre("shop_default 10.77.0.2", "back 10.78.0.2"));
  EXPECT_EQ(resolve_in(*peer, "other"), "NOERROR 10.78.0.2");
  EXPECT_EQ(resolve_in(*joined, "web.back"), "NOERROR 10.78.0.3");
  EXPECT_TRUE(serves("10.78.0.2", 5432));
  EXPECT_TRUE(serves("127.0.0.1", port));

  const auto left = reconnect(project, moved(db, both.endpoints[1]));
  ASSERT_TRUE(left) << left.error().message();
  EXPECT_THAT(networks_of(*left), testing::ElementsAre("back 10.78.0.2"));
  EXPECT_EQ(resolve_in(*peer, "db"), "NOERROR 10.78.0.2");  // the first network no longer has the name
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(eventually([&] { return serves("127.0.0.1", port); })) << round;
    EXPECT_EQ(project.state(db).ports.at(0).host_port, port);
    kill_supervisor(project);
  }
  EXPECT_THAT(network_events(project), testing::ElementsAre("connect shop_default", "connect shop_default",
                                                            "connect back", "connect back", "disconnect shop_default"));
  ASSERT_TRUE(project.client().stop(db.id));
  EXPECT_EQ(network_events(project).back(), "disconnect back");
}

// A killed command has recorded the change without requesting it; or the supervisor was killed while making it.
TEST_F(ReconnectTest, ASuccessorFinishesWhatWasBegun) {
  TestProject project;
  ContainerUnit db = networked(project, {"serve", "5432", "from db"}, "10.77.0.2", {"db"});
  db.ports = {PortUnit{"127.0.0.1", 0, 0, 5432, "tcp"}};
  const auto started = project.start(db);
  ASSERT_TRUE(started) << started.error().message();
  (void)project.write(moved(db, back("10.78.0.2", {"db"})));
  kill_supervisor(project);
  const auto is_moved = [&](const char* network) {
    return eventually([&] { return networks_of(project.state(db)) == std::vector<std::string>{network}; });
  };
  EXPECT_TRUE(is_moved("back 10.78.0.2"));
  EXPECT_TRUE(eventually([&] { return serves("127.0.0.1", started->ports.at(0).host_port); }));

  (void)project.write(db);
  ASSERT_TRUE(kill_both(project));
  ASSERT_TRUE(revive_supervisor(project.roots(), project.name()));
  EXPECT_TRUE(is_moved("shop_default 10.77.0.2"));
  EXPECT_TRUE(eventually([&] { return serves("127.0.0.1", started->ports.at(0).host_port); }));
  EXPECT_EQ(project.state(db).pid, started->pid);
}

TEST_F(ReconnectTest, AFailureLeavesTheContainerWhereItWas) {
  TestProject project;
  ContainerUnit db = networked(project, {"serve", "5432", "from db"}, "10.77.0.2", {"db"});
  db.ports = {PortUnit{"127.0.0.1", 0, 0, 5432, "tcp"}};
  const auto started = project.start(db);
  ASSERT_TRUE(started) << started.error().message();
  EndpointUnit nowhere = back("10.78.0.2", {"db"});
  nowhere.bridge = "br-none";
  const auto refused = reconnect(project, moved(db, nowhere));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), testing::HasSubstr("br-none"));
  EXPECT_THAT(networks_of(project.state(db)), testing::ElementsAre("shop_default 10.77.0.2"));
  EXPECT_TRUE(serves("127.0.0.1", started->ports.at(0).host_port));
  EXPECT_TRUE(serves("10.77.0.2", 5432));
}

// Ports are published as soon as a network accepts connections from outside, and withdrawn when there is none.
TEST_F(ReconnectTest, PortsComeAndGoWithTheLastNetworkThatLeadsOut) {
  TestProject project;
  ContainerUnit db = networked(project, {"serve", "5432", "from db"}, "10.77.0.2", {"db"});
  db.endpoints[0].internal = true;
  db.ports = {PortUnit{"127.0.0.1", 18437, 0, 5432, "tcp"}};
  const auto started = project.start(db);
  ASSERT_TRUE(started) << started.error().message();
  EXPECT_TRUE(started->ports.empty());
  ContainerUnit both = db;
  both.endpoints[0].default_route = false;
  both.endpoints.push_back(back("10.78.0.2", {"db"}));
  both.endpoints[1].default_route = true;
  const auto joined = reconnect(project, both);
  ASSERT_TRUE(joined) << joined.error().message();
  EXPECT_EQ(joined->ports.size(), 1u);
  EXPECT_TRUE(eventually([] { return serves("127.0.0.1", 18437); }));  // the program may not be listening yet
  const auto left = reconnect(project, db);
  ASSERT_TRUE(left) << left.error().message();
  EXPECT_TRUE(left->ports.empty());
  EXPECT_FALSE(serves("127.0.0.1", 18437));
}

// A routed network needs no host port and a masqueraded one does, so each move reserves the ports again.
TEST_F(ReconnectTest, PortsAreReservedAnewBetweenARoutedNetworkAndOneThatIsNot) {
  TestProject project;
  ContainerUnit db = networked(project, {"serve", "5432", "from db"}, "10.77.0.2", {"db"});
  db.ports = {PortUnit{"0.0.0.0", 18439, 0, 5432, "tcp"}};
  ASSERT_TRUE(project.start(db));
  EndpointUnit routed = back("10.78.0.2", {"db"});
  routed.routed4 = true;
  const auto opened = [] { return shell("nft list set inet consort open4").contains("10.78.0.2 . tcp . 5432"); };
  for (int round = 0; round < 2; ++round) {
    const auto outside = reconnect(project, moved(db, routed));
    ASSERT_TRUE(outside) << outside.error().message();
    EXPECT_THAT(outside->ports, testing::ElementsAre(BoundPort{"0.0.0.0", 0, 5432, "tcp"}));
    EXPECT_TRUE(opened());
    EXPECT_FALSE(serves("127.0.0.1", 18439)) << "the port of the host is still held";
    const auto inside = reconnect(project, db);
    ASSERT_TRUE(inside) << inside.error().message();
    EXPECT_THAT(inside->ports, testing::ElementsAre(BoundPort{"0.0.0.0", 18439, 5432, "tcp"}));
    EXPECT_TRUE(eventually([] { return serves("127.0.0.1", 18439); }));
    EXPECT_FALSE(opened());
  }
}

TEST_F(ReconnectTest, OfAContainerThatDoesNotRunTheNextStartHasTheNetworks) {
  TestProject project;
  ContainerUnit db = networked(project, {"exit", "0"}, "10.77.0.2", {"db"});
  ASSERT_TRUE(project.start(db));
  ASSERT_TRUE(project.client().wait(db.id));
  EXPECT_TRUE(reconnect(project, moved(db, back("10.78.0.2", {"db"}))));
  const auto restarted = project.client().restart(db.id);
  ASSERT_TRUE(restarted) << restarted.error().message();
  EXPECT_THAT(networks_of(*restarted), testing::ElementsAre("back 10.78.0.2"));
}

}  // namespace
}  // namespace consort::supervisor

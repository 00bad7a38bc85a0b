// Connecting containers to networks and disconnecting them: records, leases, and Docker's messages.
#include "base/os/files/file.hpp"
#include "fixture.hpp"
#include "supervisor/client.hpp"
#include "supervisor/unit.hpp"

namespace consort::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ConnectionsTest : public EngineTest {
 protected:
  Network network(const char* name, const char* subnet = nullptr) {
    NetworkSpec spec{.name = project_ + "_" + name, .project = project_};
    if (subnet) spec.pools = {{.subnet = subnet, .ip_range = {}, .gateway = {}, .aux_addresses = {}}};
    return engine().create_network(spec).value();
  }
  std::string on(const Network& network, const Strings& words = {"pause"}) {
    ContainerSpec spec = probe(words);
    spec.network_mode = "";
    spec.networks = {{.network = network.spec.name}};
    return create(spec);
  }
  Strings networks_of(const std::string& id) {
    Strings names;
    const ContainerDetails details = engine().inspect(id).value();
    for (const Endpoint& endpoint : details.networks)
      names.push_back(endpoint.network.substr(project_.size() + 1) + " " + endpoint.ipv4);
    return names;
  }
  std::string file(const std::string& id, const std::string& path) {
    return exec(id, {.argv = {"/bin/probe", "cat", path}});
  }
};

TEST_F(ConnectionsTest, ARunningContainerComesToANetworkAndLeavesIt) {
  const Network one = network("one"), two = network("two", "10.93.7.0/24");
  const std::string id = on(one);
  ASSERT_EQ(message_of(engine().start_container(id)), "(no error)");
  const std::string first = engine().inspect(id)->networks.at(0).ipv4;
  ASSERT_EQ(message_of(engine().connect_network(
                id, {.network = two.id, .aliases = {"other"}, .ipv4 = "10.93.7.9", .gw_priority = 5})),
            "(no error)");
  EXPECT_THAT(networks_of(id), ElementsAre("one " + first, "two 10.93.7.9"));
  EXPECT_EQ(engine().inspect(id)->networks[1].prefix4, 24);
  EXPECT_THAT(file(id, "/etc/hosts"), HasSubstr("10.93.7.9\t" + id.substr(0, 12)));
  EXPECT_EQ(message_of(engine().connect_network(id, {.network = two.spec.name})),
            "endpoint with name " + engine().inspect(id)->name + " already exists in network " + two.spec.name);
  // The address is in use, and free again afterwards.
  const std::string other = on(one);
  EXPECT_TRUE(engine().connect_network(other, {.network = two.id, .ipv4 = "10.93.7.9"}));
  EXPECT_THAT(message_of(engine().start_container(other)), HasSubstr("10.93.7.9"));
  ASSERT_EQ(message_of(engine().disconnect_network(id, two.spec.name)), "(no error)");
  EXPECT_THAT(networks_of(id), ElementsAre("one " + first));
  EXPECT_THAT(file(id, "/etc/hosts"), testing::Not(HasSubstr("10.93.7.9")));
  EXPECT_EQ(message_of(engine().start_container(other)), "(no error)");
  EXPECT_EQ(message_of(engine().disconnect_network(id, two.spec.name)),
            "container " + id + " is not connected to network " + two.spec.name);
}

TEST_F(ConnectionsTest, OfAStoppedOneTheNextStartHasTheNetworks) {
  const Network one = network("one"), two = network("two");
  const std::string id = on(one);
  ASSERT_TRUE(engine().connect_network(id, {.network = two.id, .priority = 7}));
  EXPECT_TRUE(engine().connect_network(id, {.network = two.id}));  // as in Docker, the settings are replaced
  ASSERT_TRUE(engine().disconnect_network(id, one.id));
  EXPECT_EQ(message_of(engine().disconnect_network(id, one.id)),
            "container " + id + " is not connected to the network " + one.spec.name);
  ASSERT_EQ(message_of(engine().start_container(id)), "(no error)");
  EXPECT_THAT(networks_of(id), ElementsAre(testing::StartsWith("two 1")));
  EXPECT_EQ(message_of(engine().remove_network(one.id)), "(no error)");
}

// As after a killed command: the connection is recorded and has an address, but is not set up.
TEST_F(ConnectionsTest, WhatWasCutIsFinishedByTheSameCommand) {
  const Network one = network("one"), two = network("two");
  const std::string id = on(one);
  ASSERT_EQ(message_of(engine().start_container(id)), "(no error)");
  const std::string path = roots().container(id) + "/unit.json";
  const supervisor::ContainerUnit alone = supervisor::read_unit(path).value();
  ASSERT_TRUE(engine().connect_network(id, {.network = two.id}));
  // Restores the former unit, bypassing the record.
  const auto write = [&](const supervisor::ContainerUnit& unit) {
    return write_file_atomic(path, supervisor::unit_to_json(unit), 0600);
  };
  ASSERT_TRUE(write(alone));
  ASSERT_TRUE(supervisor::Client(roots(), project_).reconnect(id));
  EXPECT_EQ(networks_of(id).at(1), "two ");
  EXPECT_EQ(message_of(engine().connect_network(id, {.network = two.id})), "(no error)");
  EXPECT_NE(networks_of(id).at(1), "two ");
}

TEST_F(ConnectionsTest, WhatCannotBeIsSaidInDockersWords) {
  const Network one = network("one");
  const std::string id = on(one);
  ContainerSpec host = probe({"pause"}), shared = probe({"pause"}), none = probe({"pause"});
  host.network_mode = "host";
  shared.network_mode = "container:" + id;
  none.network_mode = "none";
  const std::string of_another =
      "container sharing network namespace with another container or host cannot be connected to any other network";
  const std::string alone =
      "container cannot be connected to multiple networks with one of the networks in private (none) mode";
  const std::string with_host = create(host), with_shared = create(shared), with_none = create(none);
  const auto connect = [&](const std::string& container, const EndpointSpec& endpoint) {
    return message_of(engine().connect_network(container, endpoint));
  };
  EXPECT_EQ(connect(with_host, {.network = one.id}), of_another);
  EXPECT_EQ(connect(with_shared, {.network = one.id}), of_another);
  EXPECT_EQ(connect(with_none, {.network = one.id}), alone);
  EXPECT_EQ(connect(id, {.network = "none"}), alone);
  EXPECT_EQ(connect(id, {.network = "host"}),
            "cannot connect container to host network - container must be created in host network mode");
  EXPECT_EQ(message_of(engine().disconnect_network(with_host, "host")),
            "cannot disconnect container from host network - container was created in host network mode");
  EXPECT_EQ(connect(id, {.network = "nope"}), "network nope not found");
  EXPECT_EQ(connect("nope", {.network = one.id}), "No such container: nope");
  EXPECT_EQ(connect(id, {.network = one.id, .ipv4 = "10.1.2.3"}),
            "invalid endpoint settings:\nuser specified IP address is supported only when connecting to networks with "
            "user configured subnets");
}

}  // namespace
}  // namespace consort::engine

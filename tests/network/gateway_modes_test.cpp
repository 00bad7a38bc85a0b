// Networks whose containers are reached at their own addresses: routed by this host, or macvlan and ipvlan interfaces.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/os/fd.hpp"
#include "host_fixture.hpp"
#include "network/firewall.hpp"

namespace consort::test {
namespace {

// ping(8) is not installed everywhere.
std::string echo_request(const char* address) {
  const Fd fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  ::inet_pton(AF_INET, address, &to.sin_addr);
  icmphdr header{};
  header.type = ICMP_ECHO;
  header.checksum = static_cast<std::uint16_t>(~(ICMP_ECHO));  // of one byte that is not zero
  if (::sendto(fd.get(), &header, sizeof header, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0)
    return std::strerror(errno);
  pollfd poll{fd.get(), POLLIN, 0};
  return ::poll(&poll, 1, 30000) == 1 ? "answered" : "no answer";
}

class GatewayModesTest : public HostTest {
 protected:
  void SetUp() override {
    HostTest::SetUp();
    if (IsSkipped()) return;
    host_ = HostLink::open().value();
    ask_in(outside_.get(), [] { return shell("ip route add 172.16.0.0/12 via 198.51.100.2"); });
  }
  Sandbox container(const Endpoint& endpoint) {
    auto made = host_->create_sandbox({.container_id = "test", .endpoints = {endpoint}});
    EXPECT_TRUE(made.has_value()) << problem(made);
    return made ? *std::move(made) : Sandbox{};
  }
  static std::vector<ChildGuard> serve(const Sandbox& sandbox) {
    std::vector<ChildGuard> servers;
    for (const std::uint16_t port : {80, 81})
      servers.push_back(start_in(sandbox.netns.get(),
                                 [&](const auto& ready) { tcp_serve("0.0.0.0", port, std::to_string(port), ready); }));
    return servers;
  }
  static std::string ask(int from, const std::string& address, std::uint16_t port, int timeout_ms = 30000) {
    return ask_in(from, [&] { return tcp_ask(address, port, "hi", timeout_ms); });
  }
  static constexpr int briefly = 300;
  std::optional<HostLink> host_;
};

TEST_F(GatewayModesTest, OfARoutedNetworkThePublishedPortsAreReachedAtTheContainersOwnAddress) {
  BridgeNetwork net = network(18);
  net.direct4 = DirectAccess::published;
  const BridgeNetwork other = network(19);
  REQUIRE_OK(create_bridge(net));
  REQUIRE_OK(create_bridge(other));
  const Sandbox a = container(endpoint(net, 2)), b = container(endpoint(other, 2));
  const auto servers = serve(a);
  Firewall firewall = Firewall::open().value();
  Openings openings{net.bridge, *Address::parse("172.18.0.2"), {{Protocol::tcp, 80}}};
  REQUIRE_OK(firewall.set_openings(openings));

  EXPECT_EQ(ask(outside_.get(), "172.18.0.2", 80), "80 from 198.51.100.1: hi");
  EXPECT_EQ(ask(b.netns.get(), "172.18.0.2", 80).substr(0, 2), "80");
  EXPECT_EQ(ask(outside_.get(), "172.18.0.2", 81, briefly), "connect: timeout");
  EXPECT_EQ(ask_in(outside_.get(), [] { return echo_request("172.18.0.2"); }), "answered");
  // Outgoing packets keep their source address, to which other hosts have a route.
  const auto outside = start_in(outside_.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 80, "out", ready); });
  EXPECT_EQ(ask(a.netns.get(), "198.51.100.1", 80), "out from 172.18.0.2: hi");

  openings.ports = {{Protocol::tcp, 81}};
  REQUIRE_OK(firewall.set_openings(openings));
  EXPECT_EQ(ask(outside_.get(), "172.18.0.2", 81), "81 from 198.51.100.1: hi");
  EXPECT_EQ(ask(outside_.get(), "172.18.0.2", 80, briefly), "connect: timeout");

  BridgePolicy read{.bridge = net.bridge};
  REQUIRE_OK(firewall.read_policies({&read, 1}));
  EXPECT_EQ(read.direct4, DirectAccess::published);
  EXPECT_EQ(read.direct6, DirectAccess::none);
  // All of its rules are removed with its bridge.
  REQUIRE_OK(remove_bridge(net));
  EXPECT_THAT(shell("nft list table inet consort"), testing::Not(testing::HasSubstr(net.bridge)));
}

TEST_F(GatewayModesTest, AnUnprotectedNetworkLetsTheOutsideInAndNoOtherNetwork) {
  BridgeNetwork net = network(18);
  net.direct4 = DirectAccess::all;
  const BridgeNetwork other = network(19);
  REQUIRE_OK(create_bridge(net));
  REQUIRE_OK(create_bridge(other));
  const Sandbox a = container(endpoint(net, 2)), b = container(endpoint(other, 2));
  const auto servers = serve(a);
  EXPECT_EQ(ask(outside_.get(), "172.18.0.2", 81), "81 from 198.51.100.1: hi");
  EXPECT_EQ(ask(b.netns.get(), "172.18.0.2", 81, briefly), "connect: timeout");
  const auto outside = start_in(outside_.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 80, "out", ready); });
  EXPECT_EQ(ask(a.netns.get(), "198.51.100.1", 80), "out from 198.51.100.2: hi");
}

TEST_F(GatewayModesTest, ABridgeNeedsNoAddress) {
  BridgeNetwork net = network(18);
  net.addresses.front().on_bridge = false;
  REQUIRE_OK(create_bridge(net));
  EXPECT_EQ(shell("ip -4 -o address show " + net.bridge), "");
  const Sandbox a = container(endpoint(net, 2)), gateway = container(endpoint(net, 3));
  const auto servers = serve(gateway);
  EXPECT_EQ(ask(a.netns.get(), "172.18.0.3", 80), "80 from 172.18.0.2: hi");
  EXPECT_EQ(ask_in(a.netns.get(), [] { return shell("ip route show default"); }), "default via 172.18.0.1 dev eth0 \n");
}

TEST_F(GatewayModesTest, SecondFacesOfAnInterfaceAreOnItsNetwork) {
  const auto face = [](int last, const std::string& mode) {
    Endpoint made;
    made.network_name = "lan";
    made.parent = "eth0";
    made.driver = "macvlan";
    made.mode = mode;
    made.ipv4 = InterfaceAddress::parse("198.51.100." + std::to_string(last) + "/24");
    made.gateway4 = Address::parse("198.51.100.1");
    made.default_route = true;
    return made;
  };
  const Sandbox a = container(face(7, "bridge")), b = container(face(8, "bridge")),
                lonely = container(face(9, "private"));
  EXPECT_TRUE(a.host_links.empty());
  const auto servers = serve(a);
  EXPECT_EQ(ask(outside_.get(), "198.51.100.7", 80), "80 from 198.51.100.1: hi");
  EXPECT_EQ(ask(b.netns.get(), "198.51.100.7", 81), "81 from 198.51.100.8: hi");
  EXPECT_NE(ask(lonely.netns.get(), "198.51.100.7", 80, briefly).substr(0, 2), "80");

  // Another network is connected and disconnected. A network that cannot be connected leaves nothing behind.
  Sandbox changing = container(face(10, "bridge"));
  Endpoint second = face(11, "bridge"), impossible = face(12, "bridge");
  second.ifname = impossible.ifname = "eth1";
  second.default_route = impossible.default_route = false;
  impossible.parent = "nope0";
  const auto refused =
      host_->change_sandbox(changing, {.before = {face(10, "bridge")}, .after = {face(10, "bridge"), impossible}});
  EXPECT_EQ(refused.error().message(), "connect to network lan: its parent interface nope0 is not there");
  REQUIRE_OK(host_->change_sandbox(changing, {.before = {face(10, "bridge")}, .after = {face(10, "bridge"), second}}));
  const auto more = serve(changing);
  EXPECT_EQ(ask(outside_.get(), "198.51.100.11", 80), "80 from 198.51.100.1: hi");
}

}  // namespace
}  // namespace consort::test

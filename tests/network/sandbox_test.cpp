// Network namespaces of containers: their content, what they can reach, and that nothing is left behind.
#include "host_fixture.hpp"

namespace consort::test {
namespace {

class SandboxTest : public HostTest {};

TEST_F(SandboxTest, AContainerReachesItsPeersTheHostAndTheOutside) {
  const BridgeNetwork net = network(18);
  REQUIRE_OK(create_bridge(net));
  auto host = HostLink::open();
  REQUIRE_OK(host);
  auto a = host->create_sandbox({.container_id = "a", .endpoints = {endpoint(net, 2)}});
  REQUIRE_OK(a);
  auto b = host->create_sandbox({.container_id = "b", .endpoints = {endpoint(net, 3)}});
  REQUIRE_OK(b);

  const auto server = start_in(b->netns.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 80, "b", ready); });
  const auto outside = start_in(outside_.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 80, "out", ready); });
  const int a_ns = a->netns.get();
  EXPECT_EQ(ask_in(a_ns, [] { return tcp_ask("172.18.0.3", 80, "hi"); }), "b from 172.18.0.2: hi");
  EXPECT_EQ(tcp_ask("172.18.0.3", 80, "hi"), "b from 172.18.0.1: hi");  // the host reaches containers directly
  EXPECT_EQ(ask_in(a_ns, [] { return tcp_ask("198.51.100.1", 80, "hi"); }), "out from 198.51.100.2: hi")
      << shell("nft list ruleset");

  EXPECT_EQ(ask_in(a_ns, [] { return shell("cat /proc/sys/net/ipv4/ip_forward"); }), "1\n");
  EXPECT_EQ(ask_in(a_ns, [] { return shell("ip -o -4 addr show eth0 | awk '{print $4}'"); }), "172.18.0.2/16\n");
  EXPECT_EQ(ask_in(a_ns, [] { return shell("ip route show default"); }), "default via 172.18.0.1 dev eth0 \n");
  EXPECT_EQ(ask_in(a_ns, [] { return shell("ip -o -6 addr show eth0"); }), "");
  EXPECT_NE(ask_in(a_ns, [] { return shell("ip -o -6 addr show lo"); }), "");
}

TEST_F(SandboxTest, NothingIsLeftAfterwards) {
  const std::string links = shell("ip -o link"), rules = shell("nft list ruleset"),
                    routes = shell("ip route show table all | grep -v 198.51");
  const BridgeNetwork net = network(18);
  REQUIRE_OK(create_bridge(net));
  REQUIRE_OK(create_bridge(net));  // again: fine
  {
    auto host = HostLink::open();
    auto a = host->create_sandbox({.container_id = "a", .endpoints = {endpoint(net, 2)}});
    REQUIRE_OK(a);
  }
  REQUIRE_OK(remove_bridge(net));
  REQUIRE_OK(remove_bridge(net));
  EXPECT_EQ(shell("ip -o link"), links);
  EXPECT_EQ(shell("nft list ruleset"), rules);
  EXPECT_EQ(shell("ip route show table all | grep -v 198.51"), routes);
}

TEST_F(SandboxTest, RemovingTheBridgeTakesTheCablesOfContainersThatAreJustGoing) {
  const std::string links = shell("ip -o link");
  const BridgeNetwork net = network(18);
  REQUIRE_OK(create_bridge(net));
  auto host = HostLink::open();
  std::vector<Sandbox> sandboxes;
  for (int i = 0; i < 20; ++i) {
    auto one = host->create_sandbox({.container_id = "a", .endpoints = {endpoint(net, i + 2)}});
    REQUIRE_OK(one);
    sandboxes.push_back(*std::move(one));
  }
  sandboxes.erase(sandboxes.begin() + 10, sandboxes.end());  // the kernel is removing the others now
  REQUIRE_OK(remove_bridge(net));
  EXPECT_EQ(shell("ip -o link"), links);
}

}  // namespace
}  // namespace consort::test

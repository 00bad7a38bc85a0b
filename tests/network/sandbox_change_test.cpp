// Connecting networks to a namespace that is in use, and disconnecting them.
#include <array>

#include "host_fixture.hpp"

namespace consort::test {
namespace {

class SandboxChangeTest : public HostTest {
 protected:
  void SetUp() override {
    HostTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    REQUIRE_OK(create_bridge(first_));
    REQUIRE_OK(create_bridge(second_));
    auto host = HostLink::open();
    REQUIRE_OK(host);
    host_.emplace(std::move(*host));
    auto made = host_->create_sandbox({.container_id = "a", .endpoints = {one()}});
    REQUIRE_OK(made);
    sandbox_ = std::move(*made);
  }
  static Endpoint one() { return endpoint(network(18), 2); }
  static Endpoint two() {
    Endpoint two = endpoint(network(19), 2, "eth1");
    two.default_route = false;
    return two;
  }
  static Endpoint with_route(Endpoint endpoint, bool route) {
    endpoint.default_route = route;
    return endpoint;
  }
  std::string inside(const std::string& command) const {
    return ask_in(sandbox_.netns.get(), [&] { return shell(command); });
  }
  std::string route() const { return inside("ip route show default"); }
  std::string links() const { return inside("ip -o link | awk '{print $2}' | tr '\\n' ' '"); }

  const BridgeNetwork first_ = network(18), second_ = network(19);
  std::optional<HostLink> host_;
  Sandbox sandbox_;
};

TEST_F(SandboxChangeTest, AnotherNetworkComesAndTakesTheDefaultRouteAndGoesAgain) {
  const std::vector<Endpoint> alone{one()}, both{with_route(one(), false), with_route(two(), true)};
  REQUIRE_OK(host_->change_sandbox(sandbox_, {.before = alone, .after = both}));
  EXPECT_EQ(inside("ip -o -4 addr show eth1 | awk '{print $4}'"), "172.19.0.2/16\n");
  EXPECT_EQ(route(), "default via 172.19.0.1 dev eth1 \n");
  EXPECT_EQ(sandbox_.host_links.size(), 2u);
  const auto server = start_in(sandbox_.netns.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 80, "a", ready); });
  EXPECT_EQ(tcp_ask("172.19.0.2", 80, "hi"), "a from 172.19.0.1: hi");
  EXPECT_EQ(tcp_ask("172.18.0.2", 80, "hi"), "a from 172.18.0.1: hi");

  const std::array<std::string, 2> gone{"eth1", "eth7"};  // missing interfaces are no error
  REQUIRE_OK(remove_links(sandbox_.netns.get(), gone));
  REQUIRE_OK(host_->change_sandbox(sandbox_, {.before = both, .after = alone}));
  EXPECT_EQ(route(), "default via 172.18.0.1 dev eth0 \n");
  EXPECT_EQ(links(),
            "lo: eth0@if" + inside("ip -o link show eth0 | sed 's/.*@if\\([0-9]*\\):.*/\\1/' | tr -d '\\n'") + ": ");
}

TEST_F(SandboxChangeTest, AFailureLeavesItAsItWas) {
  const std::string before = links();
  Endpoint bad = two();
  bad.bridge = "br-none";
  Endpoint clash = with_route(two(), true);
  clash.ifname = "eth0";
  const std::vector<Endpoint> alone{one()};
  EXPECT_FALSE(host_->change_sandbox(sandbox_, {.before = alone, .after = {one(), bad}}));
  EXPECT_FALSE(host_->change_sandbox(sandbox_, {.before = alone, .after = {with_route(one(), false), clash}}));
  EXPECT_EQ(links(), before);
  EXPECT_EQ(route(), "default via 172.18.0.1 dev eth0 \n");
  EXPECT_EQ(sandbox_.host_links.size(), 1u);
}

TEST_F(SandboxChangeTest, WhatTheContainerDidToItsRoutesStaysUnlessTheyAreSomebodyElsesNow) {
  (void)inside("ip route del default; ip route add default via 172.18.0.9");
  REQUIRE_OK(host_->change_sandbox(sandbox_, {.before = {one()}, .after = {one(), two()}}));
  EXPECT_EQ(route(), "default via 172.18.0.9 dev eth0 \n");
}

// The process that was creating the interface was killed, so it exists in an unknown state.
TEST_F(SandboxChangeTest, AChangeThatWasCutIsMadeAnew) {
  (void)inside("ip link add eth1 type dummy");
  const std::vector<Endpoint> both{with_route(one(), false), with_route(two(), true)};
  REQUIRE_OK(
      host_->change_sandbox(sandbox_, {.before = {one()}, .after = both, .before_is_known = SandboxChange::Known::no}));
  EXPECT_EQ(inside("ip -o -4 addr show eth1 | awk '{print $4}'"), "172.19.0.2/16\n");
  EXPECT_EQ(route(), "default via 172.19.0.1 dev eth1 \n");
}

TEST_F(SandboxChangeTest, Ipv6ComesWithTheFirstNetworkThatHasIt) {
  Endpoint six = two();
  six.ipv6 = InterfaceAddress::parse("fd00:19::2/64");
  six.gateway6 = Address::parse("fd00:19::1");
  REQUIRE_OK(host_->change_sandbox(sandbox_, {.before = {one()}, .after = {one(), six}}));
  EXPECT_EQ(inside("ip -o -6 addr show dev eth1 scope global | awk '{print $4}'"), "fd00:19::2/64\n");
  EXPECT_EQ(inside("ip -6 route show default | awk '{print $3, $5}'"), "fd00:19::1 eth1\n");
  EXPECT_EQ(inside("ip -o -6 addr show dev eth0"), "");
}

}  // namespace
}  // namespace consort::test

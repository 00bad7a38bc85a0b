// Kinds of networks: internal, IPv6, several at once, without traffic between containers, and networks for builds.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "host_fixture.hpp"
#include "network/dns.hpp"
#include "network/firewall.hpp"
#include "network/obstacles.hpp"
#include "network/pools.hpp"

namespace consort::test {
namespace {

bool link_exists(const std::string& name) {
  return ::if_nametoindex(name.c_str()) != 0;
}

class NetworksTest : public HostTest {
 protected:
  void SetUp() override {
    HostTest::SetUp();
    if (IsSkipped()) return;
    host_ = HostLink::open().value();
    std::string pattern = testing::TempDir() + "consort-run-XXXXXX";
    run_root_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override {
    if (!run_root_.empty()) REQUIRE_OK(remove_tree(run_root_));
    HostTest::TearDown();
  }
  Sandbox container(std::vector<Endpoint> endpoints, std::vector<std::pair<std::string, std::string>> sysctls = {}) {
    auto made = host_->create_sandbox(
        {.container_id = "test", .endpoints = std::move(endpoints), .sysctls = std::move(sysctls)});
    EXPECT_TRUE(made.has_value()) << problem(made);
    return made ? *std::move(made) : Sandbox{};
  }
  static ChildGuard serve(const Sandbox& sandbox, const std::string& name, const std::string& address = "0.0.0.0") {
    return start_in(sandbox.netns.get(), [&](const auto& ready) { tcp_serve(address, 80, name, ready); });
  }
  static std::string ask(const Sandbox& from, const std::string& address, int timeout_ms = 30000) {
    return ask_in(from.netns.get(), [&] { return tcp_ask(address, 80, "hi", timeout_ms); });
  }
  static std::string shell_in(const Sandbox& sandbox, const std::string& command) {
    return ask_in(sandbox.netns.get(), [&] { return shell(command); });
  }
  void expect_a_way_out(const BridgeNetwork& net) {
    const Sandbox inside = container({endpoint(net, 2)});
    const auto outside = start_in(outside_.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 80, "out", ready); });
    EXPECT_EQ(ask(inside, "198.51.100.1"), "out from 198.51.100.2: hi");
  }
  std::optional<HostLink> host_;
  std::string run_root_;
};

TEST_F(NetworksTest, AnInternalNetworkHasNoWayOutAndNoWayIn) {
  const BridgeNetwork inner = network(18, true), other = network(19);
  REQUIRE_OK(create_bridge(inner));
  REQUIRE_OK(create_bridge(other));
  const Sandbox a = container({endpoint(inner, 2)}), b = container({endpoint(inner, 3)});
  const Sandbox c = container({endpoint(other, 2)});
  const auto server = serve(b, "b");
  EXPECT_EQ(ask(a, "172.18.0.3"), "b from 172.18.0.2: hi");
  EXPECT_EQ(ask(a, "198.51.100.1"), "connect: Network is unreachable");
  EXPECT_EQ(shell_in(a, "ip route show default"), "");
  EXPECT_EQ(ask(c, "172.18.0.3", 300), "connect: timeout");
  // Not even with a route of its own.
  shell_in(a, "ip route add default via 172.18.0.1");
  EXPECT_EQ(ask(a, "198.51.100.1", 300), "connect: timeout");
}

TEST_F(NetworksTest, Ipv6WorksInsideAndOutside) {
  BridgeNetwork net = network(18);
  net.addresses.push_back({Subnet::parse("fd00:18::/64").value(), Address::parse("fd00:18::1").value()});
  REQUIRE_OK(create_bridge(net));
  const Sandbox a = container({endpoint(net, 2)}), b = container({endpoint(net, 3)});
  const auto server = serve(b, "b", "::");
  const auto outside = start_in(outside_.get(), [](const auto& ready) { tcp_serve("::", 80, "out", ready); });
  EXPECT_EQ(ask(a, "fd00:18::3"), "b from fd00:18::2: hi");
  EXPECT_EQ(tcp_ask("fd00:18::3", 80, "hi"), "b from fd00:18::1: hi");
  EXPECT_EQ(ask(a, "fd00:51::1"), "out from fd00:51::2: hi");
  EXPECT_EQ(shell_in(a, "ip -6 route show default | cut -d' ' -f1-5"), "default via fd00:18::1 dev eth0\n");
}

TEST_F(NetworksTest, ANetworkOfIpv6OnlyWorks) {
  BridgeNetwork net = network(18);
  net.addresses = {{Subnet::parse("fd00:18::/64").value(), Address::parse("fd00:18::1").value()}};
  REQUIRE_OK(create_bridge(net));
  const Sandbox a = container({endpoint(net, 2)}), b = container({endpoint(net, 3)});
  const auto server = serve(b, "b", "::");
  EXPECT_EQ(ask(a, "fd00:18::3"), "b from fd00:18::2: hi");
}

TEST_F(NetworksTest, SeveralNetworksKeepTheirOrderAndOneDefaultRoute) {
  const BridgeNetwork first = network(18), second = network(19);
  REQUIRE_OK(create_bridge(first));
  REQUIRE_OK(create_bridge(second));
  Endpoint eth0 = endpoint(first, 2, "eth0"), eth1 = endpoint(second, 2, "eth1");
  eth0.default_route = false;
  eth1.default_route = true;
  eth1.mac = MacAddress::parse("02:00:00:00:00:77");
  eth1.mtu = 1400;
  const Sandbox both = container({eth0, eth1});
  const Sandbox far = container({endpoint(second, 3)});
  const auto server = serve(far, "far");
  EXPECT_EQ(ask(both, "172.19.0.3"), "far from 172.19.0.2: hi");
  EXPECT_EQ(shell_in(both, "ip route show default"), "default via 172.19.0.1 dev eth1 \n");
  EXPECT_EQ(shell_in(both, "ip -o link | awk -F'[ :@]+' '{print $2}' | tr '\\n' ' '"), "lo eth0 eth1 ");
  EXPECT_EQ(shell_in(both,
                     "cat /sys/class/net/eth1/mtu /sys/class/net/eth1/address 2>/dev/null;"
                     "ip -o link show eth1 | grep -o 'mtu [0-9]*\\|ether [0-9a-f:]*'"),
            "mtu 1400\nether 02:00:00:00:00:77\n");
}

TEST_F(NetworksTest, WithoutIccContainersReachTheBridgeOnly) {
  const BridgeNetwork net = network(18);
  REQUIRE_OK(create_bridge(net));
  Endpoint first = endpoint(net, 2), second = endpoint(net, 3);
  first.isolated = second.isolated = true;
  const Sandbox a = container({first}), b = container({second});
  const auto server = serve(b, "b");
  const auto outside = start_in(outside_.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 80, "out", ready); });
  EXPECT_NE(ask(a, "172.18.0.3", 300).substr(0, 1), "b");
  EXPECT_EQ(tcp_ask("172.18.0.3", 80, "hi"), "b from 172.18.0.1: hi");
  EXPECT_EQ(ask(a, "198.51.100.1"), "out from 198.51.100.2: hi");
}

TEST_F(NetworksTest, NetworkModeNoneHasLoopbackOnly) {
  auto made = host_->create_sandbox({.container_id = "test", .dns = SandboxDns::none});
  REQUIRE_OK(made);
  EXPECT_EQ(shell_in(*made, "ip -o link | grep -v sit0 | awk -F'[ :]+' '{print $2}'"), "lo\n");
  EXPECT_NE(shell_in(*made, "ip -o addr show lo").find("127.0.0.1/8"), std::string::npos);
  EXPECT_FALSE(made->dns_udp);
}

TEST_F(NetworksTest, SysctlsAreThoseOfTheNamespaceOnly) {
  const BridgeNetwork net = network(18);
  REQUIRE_OK(create_bridge(net));
  const Sandbox a =
      container({endpoint(net, 2)}, {{"net.ipv4.conf.eth0.rp_filter", "2"}, {"net.core.somaxconn", "77"}});
  EXPECT_EQ(
      shell_in(a, "sysctl -n net.ipv4.conf.eth0.rp_filter net.core.somaxconn net.ipv4.ip_unprivileged_port_start"),
      "2\n77\n0\n");
  EXPECT_NE(shell("sysctl -n net.core.somaxconn"), "77\n");
  for (const char* bad : {"kernel.panic", "net/../kernel/panic", "net..kernel", "../x"}) {
    const auto refused = host_->create_sandbox({.container_id = "x", .sysctls = {{bad, "1"}}});
    ASSERT_FALSE(refused.has_value()) << bad;
    EXPECT_EQ(refused.error().code(), Code::invalid);
  }
  const auto unknown = host_->create_sandbox({.container_id = "x", .sysctls = {{"net.nope", "1"}}});
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code(), Code::not_found);
}

TEST_F(NetworksTest, AMissingBridgeIsNamedAndLeavesNothing) {
  const std::string links = shell("ip -o link");
  const auto made = host_->create_sandbox({.container_id = "test", .endpoints = {endpoint(network(18), 2)}});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().message(),
            "set up the network of container test: connect to network net18: its bridge br-aaaaaaaaaa18 is gone");
  EXPECT_EQ(shell("ip -o link"), links);
}

TEST_F(NetworksTest, ABuildReachesTheOutsideAndLeavesNothing) {
  const std::string rules = shell("nft list ruleset");
  const auto outside = start_in(outside_.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 80, "out", ready); });
  auto first = create_build_sandbox(*host_, "one", run_root_);
  REQUIRE_OK(first);
  auto second = create_build_sandbox(*host_, "two", run_root_);
  REQUIRE_OK(second);
  EXPECT_EQ(ask(first->sandbox, "198.51.100.1"), "out from 198.51.100.2: hi");
  EXPECT_EQ(ask(second->sandbox, "198.51.100.1"), "out from 198.51.100.2: hi");
  EXPECT_NE(first->resolv_conf.find("nameserver "), std::string::npos);
  REQUIRE_OK(sweep_host("", {}));  // must not disturb running builds
  EXPECT_EQ(ask(second->sandbox, "198.51.100.1"), "out from 198.51.100.2: hi");
  REQUIRE_OK(destroy_build_sandbox(*std::move(first)));
  REQUIRE_OK(destroy_build_sandbox(*std::move(second)));
  EXPECT_EQ(shell("nft list ruleset"), rules);
}

TEST_F(NetworksTest, WhatAKilledBuildHasLeftIsSweptAndOthersGoOn) {
  const std::string rules = shell("nft list ruleset");
  const auto outside = start_in(outside_.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 80, "out", ready); });
  const Fd here = std::move(open_file("/proc/self/ns/net", O_RDONLY)).value();
  {
    // The process is killed in the middle of a step.
    const ChildGuard killed = start_in(here.get(), [this](const auto& ready) {
      const auto build = create_build_sandbox(*host_, "killed", run_root_);
      if (build) ready();
      ::pause();
    });
  }
  EXPECT_NE(shell("nft list ruleset"), rules);
  auto other = create_build_sandbox(*host_, "other", run_root_);
  REQUIRE_OK(other);
  REQUIRE_OK(sweep_build_sandboxes(run_root_));
  EXPECT_EQ(ask(other->sandbox, "198.51.100.1"), "out from 198.51.100.2: hi");
  REQUIRE_OK(destroy_build_sandbox(*std::move(other)));
  EXPECT_EQ(shell("nft list ruleset"), rules);
  EXPECT_FALSE(shell("ls " + run_root_ + "/build-cables").contains("veth"));
}

TEST_F(NetworksTest, TheTableReadsWellAndCanBeReadBack) {
  const BridgeNetwork net = network(18);
  REQUIRE_OK(create_bridge(net));
  const std::string listed = shell("nft list table inet consort");
  EXPECT_NE(listed.find("elements = { \"br-aaaaaaaaaa18\" }"), std::string::npos) << listed;
  EXPECT_EQ(shell("nft list table inet consort > /tmp/consort-$$.nft; nft delete table inet consort;"
                  "nft -f /tmp/consort-$$.nft; nft list table inet consort; rm /tmp/consort-$$.nft"),
            listed);
}

TEST_F(NetworksTest, ATableOfAnOlderVersionGetsNewRulesAndKeepsItsElements) {
  const BridgeNetwork net = network(18), second = network(19);
  REQUIRE_OK(create_bridge(net));
  const std::string whole = shell("nft list table inet consort");
  ASSERT_EQ(shell("nft delete chain inet consort rules_3; nft flush chain inet consort ours;"
                  "nft add rule inet consort ours drop"),
            "");
  REQUIRE_OK(create_bridge(second));
  REQUIRE_OK(remove_bridge(second));
  const auto sorted = [](const std::string& text) {
    std::vector<std::string> lines = split(text, '\n');
    std::ranges::sort(lines);
    return join(lines, "\n");
  };
  EXPECT_EQ(sorted(shell("nft list table inet consort")), sorted(whole));
}

TEST_F(NetworksTest, TheSweepTakesWhatIsNotKept) {
  const BridgeNetwork kept = network(18), lost = network(19);
  REQUIRE_OK(create_bridge(kept));
  REQUIRE_OK(create_bridge(lost));
  const Sandbox a = container({endpoint(kept, 2)}), b = container({endpoint(lost, 2)});
  shell("ip link add br-abcdefabcdef type bridge");  // a bridge of another program
  const std::vector<std::string> names{kept.bridge};
  BridgeNetwork others = network(20);
  others.owner = "/srv/elsewhere";
  REQUIRE_OK(create_bridge(others));
  const auto removed = sweep_host(lost.owner, names);
  REQUIRE_OK(removed);
  EXPECT_EQ(removed->size(), 2u);
  EXPECT_TRUE(link_exists(kept.bridge));
  EXPECT_FALSE(link_exists(lost.bridge));
  EXPECT_TRUE(link_exists("br-abcdefabcdef"));
  EXPECT_TRUE(link_exists(others.bridge)) << "of another data root";
  EXPECT_EQ(Firewall::open()->bridges()->size(), 2u);
  EXPECT_EQ(*sweep_host(others.owner, {}), std::vector{others.bridge});
}

TEST_F(NetworksTest, AForeignInterfaceOfTheNameIsNotTouched) {
  const BridgeNetwork net = network(18);
  ASSERT_EQ(shell("ip link add " + net.bridge + " type veth peer name other"), "");
  const auto made = create_bridge(net);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code(), Code::conflict);
  REQUIRE_OK(remove_bridge(net));
  EXPECT_TRUE(link_exists(net.bridge));
  BridgeNetwork bad = net;
  for (const char* name : {"", "much-too-long-for-it", "a/b", "a b", "a\x01", "br%d", ".."}) {
    bad.bridge = name;
    EXPECT_EQ(create_bridge(bad).error().code(), Code::invalid) << name;
  }
}

TEST_F(NetworksTest, ABridgeOfAnotherNetworkOrDataRootIsNotTouched) {
  const BridgeNetwork theirs = network(18);
  REQUIRE_OK(create_bridge(theirs));
  const std::string before = shell("ip -o link; ip -o address; nft list ruleset");
  BridgeNetwork other_network = network(19), other_root = theirs;
  other_network.bridge = theirs.bridge;
  other_root.owner = "/srv/elsewhere";
  for (const BridgeNetwork& taker : {other_network, other_root}) {
    EXPECT_EQ(has_bridge(taker).error().code(), Code::conflict);
    EXPECT_EQ(create_bridge(taker).error().code(), Code::conflict);
    REQUIRE_OK(remove_bridge(taker));
    EXPECT_EQ(shell("ip -o link; ip -o address; nft list ruleset"), before);
  }
  EXPECT_TRUE(has_bridge(theirs).value());
}

TEST_F(NetworksTest, ABridgeWhoseMakerDiedBeforeItsLabelIsCompleted) {
  BridgeNetwork net = network(18);
  net.bridge = "chosen0";
  ASSERT_EQ(shell("ip link add chosen0 group 787536 type bridge"), "");  // rtnetlink::link_group
  EXPECT_FALSE(has_bridge(net).value());
  REQUIRE_OK(create_bridge(net));
  EXPECT_TRUE(has_bridge(net).value());
  REQUIRE_OK(remove_bridge(net));
  EXPECT_FALSE(link_exists("chosen0"));
  ASSERT_EQ(shell("ip link add chosen0 type bridge"), "");  // a bridge that the user has created
  EXPECT_EQ(create_bridge(net).error().code(), Code::conflict);
}

TEST_F(NetworksTest, AnAddressThatIsTakenUndoesTheBridge) {
  BridgeNetwork net = network(18);
  net.addresses.front().gateway = Address::parse("172.19.0.1").value();
  const std::string before = shell("ip -o link; nft list ruleset");
  EXPECT_EQ(create_bridge(net).error().code(), Code::invalid);
  EXPECT_EQ(shell("ip -o link; nft list ruleset"), before);
}

TEST_F(NetworksTest, HostSubnetsAreThoseThatAreRouted) {
  const auto subnets = host_subnets();
  REQUIRE_OK(subnets);
  EXPECT_TRUE(std::ranges::count(*subnets, Subnet::parse("198.51.100.0/24").value()));
  EXPECT_TRUE(std::ranges::count(*subnets, Subnet::parse("fd00:51::/64").value()));
  EXPECT_FALSE(std::ranges::count(*subnets, Subnet::parse("0.0.0.0/0").value()));
  for (const Address& server : parse_nameservers(read_host_resolv_conf()))
    EXPECT_TRUE(server.is_loopback() ||
                std::ranges::any_of(*subnets, [&](const Subnet& s) { return s.contains(server); }));
}

TEST_F(NetworksTest, TheMtuIsThatOfTheWayOut) {
  EXPECT_EQ(shell("ip link set eth0 mtu 1400 && ip route replace default via 198.51.100.1"), "");
  EXPECT_EQ(way_out_mtu(), 1400U);
  EXPECT_EQ(shell("ip route del default"), "");
  EXPECT_EQ(way_out_mtu(), 0U);
}

// Docker's chains as it creates them with iptables: forwarded packets are dropped unless one of its own rules allows
// them.
TEST_F(NetworksTest, ADockerEnginesFirewallIsPassedAndLeftAsItWas) {
  const std::string made = shell(
      "iptables -P FORWARD DROP && iptables -N DOCKER-USER && iptables -A FORWARD -j DOCKER-USER"
      " && iptables -A DOCKER-USER -j RETURN");
  if (!made.empty()) GTEST_SKIP() << "no iptables here: " << made;
  const std::string before = shell("iptables -S");
  const BridgeNetwork net = network(18);
  REQUIRE_OK(create_bridge(net));
  REQUIRE_OK(create_bridge(net));
  expect_a_way_out(net);
  const std::string rule = net.bridge + " -m comment --comment \"consort " + net.bridge + "\" -j ACCEPT\n";
  EXPECT_EQ(shell("iptables -S DOCKER-USER"),
            "-N DOCKER-USER\n-A DOCKER-USER -o " + rule + "-A DOCKER-USER -i " + rule + "-A DOCKER-USER -j RETURN\n");
  REQUIRE_OK(remove_bridge(net));
  EXPECT_EQ(shell("iptables -S"), before);
}

TEST_F(NetworksTest, AnOldIptablesIsPassedWithItsOwnProgram) {
  const std::string made = shell(
      "iptables-legacy -P FORWARD DROP && iptables-legacy -N DOCKER-USER &&"
      " iptables-legacy -A FORWARD -j DOCKER-USER");
  if (!made.empty()) GTEST_SKIP() << "no iptables-legacy here: " << made;
  const std::string before = shell("iptables-legacy -S");
  const BridgeNetwork net = network(18);
  REQUIRE_OK(create_bridge(net));
  REQUIRE_OK(create_bridge(net));
  expect_a_way_out(net);
  EXPECT_EQ(shell("iptables-legacy -S DOCKER-USER | grep -c consort"), "2\n");
  REQUIRE_OK(remove_bridge(net));
  EXPECT_EQ(shell("iptables-legacy -S"), before);
}

TEST_F(NetworksTest, UfwIsPassedThroughItsChainForRoutes) {
  const std::string made = shell(
      "iptables -P FORWARD DROP && iptables -N ufw-user-forward && iptables -A FORWARD -j ufw-user-forward"
      " && ip6tables -P FORWARD DROP && ip6tables -N ufw6-user-forward && ip6tables -A FORWARD -j ufw6-user-forward");
  if (!made.empty()) GTEST_SKIP() << "no iptables here: " << made;
  const std::string before = shell("iptables -S; ip6tables -S");
  BridgeNetwork net = network(18);
  net.addresses.push_back({Subnet::parse("fd00:18::/64").value(), Address::parse("fd00:18::1").value()});
  REQUIRE_OK(create_bridge(net));
  const Sandbox a = container({endpoint(net, 2)});
  const auto outside = start_in(outside_.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 80, "out", ready); });
  const auto outside6 = start_in(outside_.get(), [](const auto& ready) { tcp_serve("fd00:51::1", 80, "out6", ready); });
  EXPECT_EQ(ask(a, "198.51.100.1"), "out from 198.51.100.2: hi");
  EXPECT_EQ(ask(a, "fd00:51::1"), "out6 from fd00:51::2: hi");
  REQUIRE_OK(remove_bridge(net));
  EXPECT_EQ(shell("iptables -S; ip6tables -S"), before);
}

// After the user has run doctor's command, doctor must no longer report the firewall as an obstacle.
TEST_F(NetworksTest, AChainThatDropsIsNamedWithTheCommandThatOpensIt) {
  const BridgeNetwork net = network(18);
  REQUIRE_OK(create_bridge(net));
  EXPECT_TRUE(firewall_obstacles().value().empty());
  ASSERT_EQ(shell("nft 'table inet mine { chain inward { type filter hook input priority 0; policy drop; }; chain "
                  "through { type filter"
                  " hook forward priority 0; policy drop; ct state established accept; }; }'"),
            "");
  const auto found = firewall_obstacles().value();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].found, ::testing::HasSubstr("inet mine through"));
  const std::string command = replace_all(found[0].command, "sudo ", "");
  // Rules that name bridges but do not accept all their packets do not count.
  for (const char* rule :
       {"iifname br-* drop", "oifname br-* drop", "iifname br-* accept", "oifname br-* tcp dport 80 accept",
        "oifname != br-* accept", "iifname br-* oifname br-* accept", "oifname br-x accept"}) {
    ASSERT_EQ(shell(std::string("nft 'add rule inet mine through ") + rule + "'"), "");
    EXPECT_EQ(firewall_obstacles().value().size(), 1U) << rule;
  }
  EXPECT_EQ(shell(command), "");
  expect_a_way_out(net);
  EXPECT_TRUE(firewall_obstacles().value().empty());
  REQUIRE_OK(remove_bridge(net));
}

// The programs of other firewalls are only looked for in the host's own directories, so the test adds one there.
class FirewalldTest : public NetworksTest {
 protected:
  void SetUp() override {
    NetworksTest::SetUp();
    if (IsSkipped()) return;
    // firewalld's form in the kernel; its own zones are sets of such rules.
    ASSERT_EQ(shell("nft 'table inet firewalld { chain filter_FORWARD { type filter hook forward priority 10; ct state "
                    "established accept; jump zones; reject; }; chain zones { }; }'"),
              "");
    ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  }
  void TearDown() override {
    if (mounted_) (void)::umount2("/usr/sbin", MNT_DETACH);
    NetworksTest::TearDown();
  }

  // A replacement for firewall-cmd: it writes its arguments to "told", and uses nft.
  void answer_by(const std::string& script) {
    const std::string directory = run_root_ + "/programs";
    const std::string text = "#!/bin/sh\necho \"$@\" >>" + run_root_ + "/told\n" + script + "\n";
    REQUIRE_OK(make_directories(directory, 0755));
    REQUIRE_OK(write_file_atomic(directory + "/firewall-cmd", text, 0755, Durability::volatile_));
    const std::string layers = "lowerdir=" + directory + ":/usr/sbin";
    mounted_ = ::mount("overlay", "/usr/sbin", "overlay", 0, layers.c_str()) == 0;
    ASSERT_TRUE(mounted_) << std::strerror(errno);
    // A process with firewalld's name shows that it is running.
    life_ = make_pipe().value();
    daemon_ = spawn({.argv = {"sh", "-c", "read -r line", "/usr/sbin/firewalld"}, .in = life_.read.get()}).value();
    // The command line is readable only a moment after the start.
    const std::string line = "/proc/" + std::to_string(daemon_.pid()) + "/cmdline";
    while (!read_file(line).value_or("").contains("/firewalld"))
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::string told() const { return read_file(run_root_ + "/told").value_or(""); }

 private:
  bool mounted_ = false;
  Pipe life_;
  ChildGuard daemon_;
};

TEST_F(FirewalldTest, ABridgeIsPutInAZoneThatForwardsAndTakenOutOfIt) {
  answer_by(
      "for word; do case $word in --add-interface=*) exec nft add rule inet firewalld zones iifname ${word#*=} accept;;"
      " --remove-interface=*) exec nft flush chain inet firewalld zones;; esac; done");
  EXPECT_TRUE(firewall_obstacles().value().empty());  // before any bridge exists
  const BridgeNetwork net = network(18);
  REQUIRE_OK(create_bridge(net));
  EXPECT_THAT(told(), ::testing::HasSubstr("--zone=trusted --add-interface=" + net.bridge + "\n"));
  EXPECT_TRUE(firewall_obstacles().value().empty());
  REQUIRE_OK(remove_bridge(net));
  EXPECT_THAT(told(), ::testing::HasSubstr("--zone=trusted --remove-interface=" + net.bridge + "\n"));
}

TEST_F(FirewalldTest, ABridgeThatIsInAZoneStaysInIt) {
  answer_by("exit 1");
  const BridgeNetwork net = network(18);
  ASSERT_EQ(shell("nft add rule inet firewalld zones iifname " + net.bridge + " accept"), "");
  REQUIRE_OK(create_bridge(net));
  EXPECT_THAT(told(), ::testing::Not(::testing::HasSubstr("--add-interface")));
  REQUIRE_OK(remove_bridge(net));
}

TEST_F(FirewalldTest, ARefusalIsTold) {
  answer_by("echo Error: no. >&2; exit 13");
  EXPECT_THAT(create_bridge(network(18)).error().message(), ::testing::HasSubstr("Error: no."));
}

TEST_F(FirewalldTest, IsInTheWayWhereItDoesNotRunButItsRulesDo) {
  answer_by("exit 252");
  ASSERT_EQ(firewall_obstacles().value().size(), 1U);  // before any bridge exists
  const BridgeNetwork net = network(18);
  REQUIRE_OK(create_bridge(net));
  const auto found = firewall_obstacles().value();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].found, ::testing::HasSubstr(net.bridge));
  EXPECT_THAT(found[0].command, ::testing::HasSubstr("--zone=trusted --add-interface=" + net.bridge + " "));
  REQUIRE_OK(remove_bridge(net));
}

}  // namespace
}  // namespace consort::test

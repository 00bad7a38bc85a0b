// Published ports, from everywhere a client can be.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "base/os/files/file.hpp"
#include "host_fixture.hpp"
#include "network/firewall.hpp"
#include "network/firewall_guard.hpp"
#include "network/link/socket_address.hpp"
#include "network/ports.hpp"

namespace consort::test {
namespace {

class PortsTest : public HostTest {
 protected:
  void SetUp() override {
    HostTest::SetUp();
    if (IsSkipped()) return;
    net_ = network(18);
    REQUIRE_OK(create_bridge(net_));
    host_ = HostLink::open().value();
    auto made = host_->create_sandbox({.container_id = "web", .endpoints = {endpoint(net_, 2)}});
    REQUIRE_OK(made);
    web_ = *std::move(made);
  }

  // Publishes the port and runs the publisher's loop in a child, as a supervisor would.
  ChildGuard publish(const PortRequest& request, const PortTarget& target = {Address::parse("172.18.0.2"), {}}) {
    const Fd here(TRY_OR_DIE(open_file("/proc/self/ns/net", O_RDONLY)));
    return start_in(here.get(), [&](const std::function<void()>& ready) {
      EventLoop loop = EventLoop::create().value();
      auto reserved = reserve_port(request);
      if (!reserved) {
        std::cerr << problem(reserved) << '\n';
        return;
      }
      auto publisher = PortPublisher::create(loop).value();
      const auto published = publish_now(loop, *publisher, {&*reserved, 1}, target);
      if (!published) {
        std::cerr << problem(published) << '\n';
        return;
      }
      ready();
      (void)loop.run();
    });
  }
  // Runs the loop until the ports are published.
  using Predecessor = PortPublisher::Publication::Predecessor;
  static Result<PortPublisher::Id> publish_now(EventLoop& loop, PortPublisher& publisher,
                                               std::span<const ReservedPort> ports, const PortTarget& target,
                                               Predecessor predecessor = Predecessor::none) {
    std::optional<Result<>> published;
    const auto id = publisher.publish({.ports = ports, .target = target, .predecessor = predecessor},
                                      [&](Result<> result) { published = std::move(result); });
    while (!published) TRY(loop.run_once());
    TRY(*std::move(published));
    return id;
  }
  static Fd TRY_OR_DIE(Result<Fd> fd) { return std::move(fd).value(); }

  std::string ask_outside(const std::string& address, std::uint16_t port) {
    return ask_in(outside_.get(), [&] { return tcp_ask(address, port, "hi"); });
  }

  BridgeNetwork net_;
  std::optional<HostLink> host_;
  Sandbox web_;
};

TEST_F(PortsTest, APortOnAllAddressesIsReachedFromEverywhere) {
  const auto server = start_in(web_.netns.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 80, "web", ready); });
  const auto publisher = publish({.host_port = 8000, .container_port = 80});
  auto other = host_->create_sandbox({.container_id = "other", .endpoints = {endpoint(net_, 3)}});
  REQUIRE_OK(other);
  const BridgeNetwork second = network(19);
  REQUIRE_OK(create_bridge(second));
  auto far = host_->create_sandbox({.container_id = "far", .endpoints = {endpoint(second, 2)}});
  REQUIRE_OK(far);

  EXPECT_EQ(tcp_ask("127.0.0.1", 8000, "hi"), "web from 172.18.0.1: hi");
  EXPECT_EQ(tcp_ask("127.0.0.2", 8000, "hi"), "web from 172.18.0.1: hi");
  EXPECT_EQ(tcp_ask("::1", 8000, "hi"), "web from 172.18.0.1: hi");
  EXPECT_EQ(tcp_ask("198.51.100.2", 8000, "hi"), "web from 198.51.100.2: hi");
  EXPECT_EQ(ask_outside("198.51.100.2", 8000), "web from 198.51.100.1: hi") << shell("nft list ruleset");
  EXPECT_EQ(ask_outside("fd00:51::2", 8000), "web from 172.18.0.1: hi");  // by the relay: the network has no IPv6
  for (const int ns : {web_.netns.get(), other->netns.get()}) {
    EXPECT_EQ(ask_in(ns, [] { return tcp_ask("198.51.100.2", 8000, "hi"); }), "web from 172.18.0.1: hi");
    EXPECT_EQ(ask_in(ns, [] { return tcp_ask("172.18.0.1", 8000, "hi"); }), "web from 172.18.0.1: hi");
  }
  EXPECT_EQ(ask_in(far->netns.get(), [] { return tcp_ask("198.51.100.2", 8000, "hi"); }), "web from 172.18.0.1: hi");
  EXPECT_EQ(ask_in(far->netns.get(), [] { return tcp_ask("172.18.0.2", 80, "hi", 300); }), "connect: timeout");
  // From outside, not even a published container can be reached at its own address.
  EXPECT_EQ(ask_in(outside_.get(),
                   [] {
                     shell("ip route add 172.18.0.0/16 via 198.51.100.2");
                     return tcp_ask("172.18.0.2", 80, "hi", 300);
                   }),
            "connect: timeout");
}

// The host's own rules for incoming packets apply; a redirection in the kernel would bypass them.
TEST_F(PortsTest, APortMayObeyTheRulesOfTheHost) {
  const std::string settings = testing::TempDir() + "consort-settings-" + std::to_string(::getpid());
  ASSERT_TRUE(write_file_atomic(settings, "published_ports = \"filtered\"\n"));
  ::setenv("CONSORT_SETTINGS", settings.c_str(), 1);
  const auto web = start_in(web_.netns.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 80, "web", ready); });
  const ChildGuard publisher = publish({.host_port = 8080, .container_port = 80});
  ::unsetenv("CONSORT_SETTINGS");
  (void)::unlink(settings.c_str());
  const auto from_outside = [this] {
    return ask_in(outside_.get(), [] { return tcp_ask("198.51.100.2", 8080, "hi", 3000); });
  };
  EXPECT_EQ(from_outside(), "web from 172.18.0.1: hi");
  ASSERT_EQ(shell("nft 'add table inet mine; add chain inet mine in { type filter hook input priority 0; };"
                  " add rule inet mine in iifname eth0 tcp dport 8080 reject with tcp reset'"),
            "");
  EXPECT_EQ(from_outside().find("web"), std::string::npos);
}

// A killed supervisor and its successor may have read different settings.
TEST_F(PortsTest, WhatIsLeftOfTheOtherSettingIsTakenAway) {
  EventLoop loop = EventLoop::create().value();
  const auto port = reserve_port({.host_port = 8000, .container_port = 80});
  REQUIRE_OK(port);
  const PortTarget target{Address::parse("172.18.0.2"), {}}, another{Address::parse("172.18.0.9"), {}};
  const std::string settings = testing::TempDir() + "consort-settings-" + std::to_string(::getpid());
  ::setenv("CONSORT_SETTINGS", settings.c_str(), 1);
  const auto publisher_with = [&](const std::string& word) {
    EXPECT_TRUE(write_file_atomic(settings, "published_ports = \"" + word + "\"\n"));
    return PortPublisher::create(loop).value();
  };
  const std::string before = shell("nft list ruleset");
  for (const auto& [first, second] : {std::pair("open", "filtered"), std::pair("filtered", "open")}) {
    REQUIRE_OK(publish_now(loop, *publisher_with(first), {&*port, 1}, target));  // and it is removed
    EXPECT_NE(shell("nft list ruleset"), before);
    REQUIRE_OK(publisher_with(second)->take_back({&*port, 1}, target));  // the container has ended meanwhile
    EXPECT_EQ(shell("nft list ruleset"), before) << first;

    REQUIRE_OK(publish_now(loop, *publisher_with(first), {&*port, 1}, another));
    const auto successor = publisher_with(second);
    const auto id = publish_now(loop, *successor, {&*port, 1}, target, Predecessor::possible);
    REQUIRE_OK(id);
    REQUIRE_OK(successor->unpublish(*id));
    EXPECT_EQ(shell("nft list ruleset"), before) << first;
  }
  ::unsetenv("CONSORT_SETTINGS");
  (void)::unlink(settings.c_str());
}

TEST_F(PortsTest, ALoopbackPortIsReachedFromTheHostOnly) {
  const auto server = start_in(web_.netns.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 80, "web", ready); });
  const auto publisher = publish({.host_ip = "127.0.0.1", .host_port = 8000, .container_port = 80});
  EXPECT_EQ(tcp_ask("127.0.0.1", 8000, "hi"), "web from 172.18.0.1: hi");
  EXPECT_EQ(tcp_ask("198.51.100.2", 8000, "hi"), "send: Connection refused");
  EXPECT_EQ(ask_outside("198.51.100.2", 8000), "send: Connection refused");
  shell("sysctl -qw net.ipv4.conf.all.route_localnet=1 net.ipv4.conf.eth0.route_localnet=1");
  EXPECT_EQ(ask_in(outside_.get(),
                   [] {
                     shell(
                         "sysctl -qw net.ipv4.conf.all.route_localnet=1; ip addr del 127.0.0.1/8 dev lo;"
                         "ip route add 127.0.0.1 via 198.51.100.2 src 198.51.100.1");
                     return tcp_ask("127.0.0.1", 8000, "hi", 300);
                   }),
            "connect: timeout")
      << shell("nft list ruleset");
}

TEST_F(PortsTest, APortIsNotReachedFromAnInternalNetwork) {
  const auto server = start_in(web_.netns.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 80, "web", ready); });
  const auto names = start_in(web_.netns.get(), [](const auto& ready) { udp_serve("0.0.0.0", 53, "web", ready); });
  BridgeNetwork inner = network(19, true);
  inner.addresses.push_back({Subnet::parse("fd00:19::/64").value(), Address::parse("fd00:19::1").value()});
  REQUIRE_OK(create_bridge(inner));
  auto inside = host_->create_sandbox({.container_id = "inside", .endpoints = {endpoint(inner, 2)}});
  REQUIRE_OK(inside);
  const auto any = publish({.host_port = 8000, .container_port = 80});
  const auto one = publish({.host_ip = "172.19.0.1", .host_port = 8001, .container_port = 80});
  const auto one6 = publish({.host_ip = "fd00:19::1", .host_port = 8001, .container_port = 80});
  const auto udp = publish({.host_port = 5353, .container_port = 53, .protocol = Protocol::udp});
  const Fd here = open_file("/proc/self/ns/net", O_RDONLY).value();
  const auto host = start_in(here.get(), [](const auto& ready) { tcp_serve("::", 8002, "host", ready); });
  const auto ask = [&](const std::string& address, std::uint16_t port, int timeout_ms) {
    return ask_in(inside->netns.get(), [&] { return tcp_ask(address, port, "hi", timeout_ms); });
  };
  for (const char* address : {"172.19.0.1", "fd00:19::1"}) {
    EXPECT_EQ(ask(address, 8000, 300), "connect: timeout") << shell("nft list ruleset");
    EXPECT_EQ(ask(address, 8001, 300), "connect: timeout");
    // Other services of the host are reachable, as with Docker, and so are clients on the host.
    EXPECT_EQ(ask(address, 8002, 3000).substr(0, 9), "host from");
    EXPECT_EQ(ask_in(inside->netns.get(), [&] { return udp_ask(address, 5353, "hi", 300); }).substr(0, 7), "receive");
  }
  const auto inner_server =
      start_in(inside->netns.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 80, "inner", ready); });
  EXPECT_EQ(tcp_ask("172.19.0.2", 80, "hi"), "inner from 172.19.0.1: hi");
  EXPECT_EQ(tcp_ask("172.19.0.1", 8001, "hi"), "web from 172.19.0.1: hi");
}

TEST_F(PortsTest, UdpWorksTheSameWay) {
  const auto server = start_in(web_.netns.get(), [](const auto& ready) { udp_serve("0.0.0.0", 53, "web", ready); });
  const auto publisher = publish({.host_port = 5353, .container_port = 53, .protocol = Protocol::udp});
  EXPECT_EQ(udp_ask("127.0.0.1", 5353, "hi"), "web from 172.18.0.1: hi");
  EXPECT_EQ(udp_ask("127.0.0.3", 5353, "hi"), "web from 172.18.0.1: hi");
  EXPECT_EQ(udp_ask("::1", 5353, "hi"), "web from 172.18.0.1: hi");
  EXPECT_EQ(udp_ask("198.51.100.2", 5353, "hi"), "web from 198.51.100.2: hi");
  EXPECT_EQ(ask_in(outside_.get(), [] { return udp_ask("198.51.100.2", 5353, "hi"); }), "web from 198.51.100.1: hi");
  EXPECT_EQ(ask_in(web_.netns.get(), [] { return udp_ask("198.51.100.2", 5353, "hi"); }), "web from 172.18.0.1: hi");
}

TEST_F(PortsTest, AUdpFlowFollowsWhenThePortMovesToAnotherContainer) {
  auto other = host_->create_sandbox({.container_id = "other", .endpoints = {endpoint(net_, 3)}});
  REQUIRE_OK(other);
  const auto first = start_in(web_.netns.get(), [](const auto& ready) { udp_serve("0.0.0.0", 53, "first", ready); });
  const auto second =
      start_in(other->netns.get(), [](const auto& ready) { udp_serve("0.0.0.0", 53, "second", ready); });
  // Uses the same client socket all the time.
  const Fd here = open_file("/proc/self/ns/net", O_RDONLY).value();
  ASSERT_EQ(::setns(outside_.get(), CLONE_NEWNET), 0);
  const Fd client(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::setns(here.get(), CLONE_NEWNET), 0);
  const auto ask = [&] { return udp_ask_from(client.get(), "198.51.100.2", 5353, "hi", 10000); };
  EXPECT_EQ(ask().substr(0, 7), "receive");  // not published yet: refused, but remembered by the kernel
  // The port moves from one supervisor to another, as when the second container is in another project.
  EventLoop loop = EventLoop::create().value();
  const auto port = reserve_port({.host_port = 5353, .container_port = 53, .protocol = Protocol::udp});
  REQUIRE_OK(port);
  const auto publisher = PortPublisher::create(loop).value(), later = PortPublisher::create(loop).value();
  const auto to_first = publish_now(loop, *publisher, {&*port, 1}, {Address::parse("172.18.0.2"), {}});
  REQUIRE_OK(to_first);
  EXPECT_EQ(ask(), "first from 198.51.100.1: hi");
  REQUIRE_OK(publisher->unpublish(*to_first));
  const auto to_second = publish_now(loop, *later, {&*port, 1}, {Address::parse("172.18.0.3"), {}});
  REQUIRE_OK(to_second);
  EXPECT_EQ(ask(), "second from 198.51.100.1: hi");
  REQUIRE_OK(later->unpublish(*to_second));
  for (int i = 0; i < 100; ++i) REQUIRE_OK(loop.run_once(std::chrono::milliseconds(1)));
  EXPECT_EQ(ask().substr(0, 7), "receive");
}

TEST_F(PortsTest, TheRelayKeepsHalfClosedConnectionsAndLargeAnswers) {
  // Answers only after the client has closed its half: tcp_ask does, with a megabyte.
  const auto server = start_in(web_.netns.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 80, "web", ready); });
  const auto publisher = publish({.host_port = 8000, .container_port = 80});
  const std::string large(900'000, 'x');
  const std::string expected = "web from 172.18.0.1: " + large;
  EXPECT_TRUE(tcp_ask("127.0.0.1", 8000, large.substr(0, 60'000)) == expected.substr(0, 21 + 60'000));
}

TEST_F(PortsTest, NobodyListeningInTheContainerResetsTheClient) {
  const auto publisher = publish({.host_port = 8000, .container_port = 80});
  const std::string said = tcp_ask("127.0.0.1", 8000, "hi");
  EXPECT_TRUE(said.find("reset") != std::string::npos || said == "") << said;
}

TEST_F(PortsTest, APortInUseNamesItsHolder) {
  const Fd here = open_file("/proc/self/ns/net", O_RDONLY).value();
  const auto squatter = start_in(here.get(), [](const auto& ready) { tcp_serve("0.0.0.0", 8000, "x", ready); });
  const auto taken = reserve_port({.host_port = 8000, .container_port = 80});
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().code(), Code::conflict);
  EXPECT_EQ(taken.error().message(),
            "failed to bind host port for 0.0.0.0:8000:80/tcp: address already in use by process " +
                std::to_string(squatter.pid()) + " (test_network)");
  EXPECT_EQ(taken.error().subject(), Subject::port);
  EXPECT_EQ(taken.error().subject_name(), "8000/tcp");
  const auto named = reserve_port({.host_port = 8000, .container_port = 80},
                                  [](pid_t, const PortRequest&, std::uint16_t) { return "project shop"; });
  ASSERT_FALSE(named.has_value());
  EXPECT_EQ(named.error().message(), "Bind for 0.0.0.0:8000 failed: port is already allocated by project shop");
}

// The keeper holds a copy of the socket of each port, until it is told to close it.
TEST_F(PortsTest, APortGivenBackIsFreeWhileSomebodyHasACopyOfItsSocket) {
  const auto before = reserve_port({.host_ip = "127.0.0.1", .host_port = 8000, .container_port = 80});
  REQUIRE_OK(before);
  const Fd copy(::fcntl(before->sockets.front().fd.get(), F_DUPFD_CLOEXEC, 0));
  ASSERT_TRUE(copy);
  stop_listening({&*before, 1});
  REQUIRE_OK(reserve_port({.host_ip = "127.0.0.1", .host_port = 8000, .container_port = 80}));
}

TEST_F(PortsTest, APortThatNobodyIsSeenToHaveIsAskedForAgain) {
  Fd invisible(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));  // as the local end of a connection
  const SocketAddress name(Address::parse("127.0.0.1").value(), 8000);
  ASSERT_EQ(::bind(invisible.get(), name.raw(), name.size), 0);
  PortReservation reservation({{.host_ip = "127.0.0.1", .host_port = 8000, .container_port = 80}});
  EXPECT_EQ(reservation.step().value(), PortReservation::Next::step);  // the port is taken
  EXPECT_EQ(reservation.step().value(), PortReservation::Next::step);  // but no process has it
  invisible.reset();
  EXPECT_EQ(reservation.step().value(), PortReservation::Next::finished);
  EXPECT_EQ(reservation.take().front().host_port, 8000);
}

// No process listens on the port: the kernel has given it to an outgoing connection.
TEST_F(PortsTest, APortThatAConnectionHasForTheMomentIsSaidToBeOne) {
  const Fd here = open_file("/proc/self/ns/net", O_RDONLY).value();
  const auto server = start_in(here.get(), [](const auto& ready) { tcp_serve("127.0.0.1", 8000, "x", ready); });
  const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(8000);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  socklen_t size = sizeof name;
  ASSERT_EQ(::getsockname(client.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
  const std::uint16_t given = ntohs(name.sin_port);
  ASSERT_GE(given, 32768);
  const auto taken = reserve_port({.host_ip = "127.0.0.1", .host_port = given, .container_port = 80});
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().data().why,
            "a connection of process " + std::to_string(::getpid()) +
                " (test_network) is using it at the moment: ports 32768 to 60999 are used for outgoing connections");
  EXPECT_EQ(taken.error().hint_text(), "publish a port below 32768, for example \"8080:80\"");
}

TEST_F(PortsTest, RangesAndEphemeralPortsTakeTheFirstFreeOne) {
  const auto first = reserve_port({.host_port = 9000, .host_port_end = 9001, .container_port = 80});
  const auto second = reserve_port({.host_port = 9000, .host_port_end = 9001, .container_port = 80});
  const auto third = reserve_port({.host_port = 9000, .host_port_end = 9001, .container_port = 80});
  REQUIRE_OK(first);
  REQUIRE_OK(second);
  EXPECT_EQ(first->host_port, 9000);
  EXPECT_EQ(second->host_port, 9001);
  EXPECT_EQ(second->sockets.size(), 2u);
  ASSERT_FALSE(third.has_value());
  EXPECT_EQ(third.error().data().what, "all ports are allocated");
  EXPECT_EQ(third.error().subject_name(), "9000-9001/tcp");
  const auto any = reserve_port({.container_port = 80});
  REQUIRE_OK(any);
  EXPECT_GE(any->host_port, 32768);
  const auto bad = reserve_port({.host_ip = "300.1.1.1", .host_port = 80});
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().message(), "Invalid ip address: 300.1.1.1");
  EXPECT_EQ(bad.error().subject_name(), "80/tcp");
}

TEST_F(PortsTest, ASecondPublicationReplacesTheFirst) {
  EventLoop loop = EventLoop::create().value();
  const auto port = reserve_port({.host_port = 8000, .container_port = 80});
  REQUIRE_OK(port);
  auto publisher = PortPublisher::create(loop).value();
  const std::string before = shell("nft list ruleset");
  // As after the supervisor was killed: its redirection still exists, but the container has another address now.
  Firewall firewall = Firewall::open().value();
  const Redirect stale{Protocol::tcp, Address(), 8000, Address::parse("172.18.0.9").value(), 80};
  REQUIRE_OK(firewall.add_ports({{stale}, {}}));
  const auto id = publish_now(loop, *publisher, {&*port, 1}, {Address::parse("172.18.0.2"), {}});
  REQUIRE_OK(id);
  EXPECT_NE(shell("nft list map inet consort publish4_any").find("172.18.0.2 . 80"), std::string::npos);
  REQUIRE_OK(publisher->unpublish(*id));
  REQUIRE_OK(publisher->unpublish(*id));
  EXPECT_EQ(shell("nft list ruleset"), before);
}

TEST_F(PortsTest, AFlushedFirewallIsRepairedByTheNextPublication) {
  shell("nft flush ruleset");
  EventLoop loop = EventLoop::create().value();
  const auto port = reserve_port({.host_port = 8000, .container_port = 80});
  auto publisher = PortPublisher::create(loop).value();
  REQUIRE_OK(publish_now(loop, *publisher, {&*port, 1}, {Address::parse("172.18.0.2"), {}}));
  EXPECT_NE(shell("nft list map inet consort publish4_any").find("172.18.0.2 . 80"), std::string::npos);
}

TEST_F(PortsTest, AFirewallThatWasEmptiedWhileNobodyWatchedIsPutBackAsWanted) {
  EventLoop loop = EventLoop::create().value();
  shell("nft flush ruleset");
  int times = 0;
  FirewallGuard guard(
      loop, [&times]() -> Result<> { return ++times, Result<>(); }, [](const std::string&) {});
  REQUIRE_OK(guard.keep({{.bridge = net_.bridge, .masquerade = false, .direct4 = DirectAccess::all}}));
  for (int turns = 0; times < 1 && turns < 1000; ++turns) REQUIRE_OK(loop.run_once(std::chrono::seconds(1)));
  EXPECT_THAT(shell("nft list set inet consort bridges"), testing::HasSubstr(net_.bridge));
  EXPECT_THAT(shell("nft list set inet consort direct"), testing::HasSubstr(net_.bridge));
  EXPECT_THAT(shell("nft list set inet consort hidden"), testing::Not(testing::HasSubstr(net_.bridge)));
}

TEST_F(PortsTest, AGuardThatCouldNotBeginDoesSoWhenItIsAskedAgain) {
  EventLoop loop = EventLoop::create().value();
  int times = 0;
  FirewallGuard guard(
      loop, [&times]() -> Result<> { return ++times, Result<>(); }, [](const std::string&) {});
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{0, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const Result<> failed = guard.keep({{net_.bridge}});
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_FALSE(failed);
  REQUIRE_OK(guard.keep({{net_.bridge}}));
  shell("nft flush ruleset");
  for (int turns = 0; times < 1 && turns < 60; ++turns) REQUIRE_OK(loop.run_once(std::chrono::seconds(1)));
  EXPECT_EQ(times, 1);
}

TEST_F(PortsTest, WhatSomebodyTakesOutOfTheFirewallIsPutBack) {
  EventLoop loop = EventLoop::create().value();
  BridgeNetwork open = network(19);
  open.masquerade = false;
  REQUIRE_OK(create_bridge(open));
  const auto port = reserve_port({.host_port = 8000, .container_port = 80});
  auto publisher = PortPublisher::create(loop).value();
  REQUIRE_OK(publish_now(loop, *publisher, {&*port, 1}, {Address::parse("172.18.0.2"), {}}));
  int times = 0;
  const auto put_back_ports = [&] {
    ++times;
    return publisher->put_back();
  };
  std::string log;
  FirewallGuard guard(loop, put_back_ports, [&log](const std::string& line) { log += line; });
  REQUIRE_OK(guard.keep({{net_.bridge}, {open.bridge}}));
  for (int round = 1; round <= 2; ++round) {
    shell("nft flush ruleset");
    for (int turns = 0; times < round && turns < 1000; ++turns) REQUIRE_OK(loop.run_once(std::chrono::seconds(1)));
    ASSERT_EQ(times, round);
    EXPECT_THAT(shell("nft list map inet consort publish4_any"), testing::HasSubstr("172.18.0.2 . 80"));
    EXPECT_THAT(shell("nft list set inet consort bridges"), testing::HasSubstr(open.bridge));
    const std::string hidden = shell("nft list set inet consort hidden");
    EXPECT_THAT(hidden, testing::HasSubstr(net_.bridge));
    EXPECT_THAT(hidden, testing::Not(testing::HasSubstr(open.bridge)));
  }
  EXPECT_THAT(log, testing::HasSubstr("restored the rules of 2 networks"));
  REQUIRE_OK(guard.keep({}));  // no container runs any more, so the rest may be removed
  REQUIRE_OK(remove_bridge(open));
}

}  // namespace
}  // namespace consort::test

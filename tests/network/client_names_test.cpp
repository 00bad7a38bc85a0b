// A user's published ports: sockets of the host's network, served from another one. Here `outside` is the host, and its
// clients come from addresses of its loopback interface that nobody else knows.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <future>

#include "base/os/files/file.hpp"
#include "host_fixture.hpp"
#include "network/firewall.hpp"
#include "network/ports.hpp"

namespace consort::test {
namespace {

class ClientNamesTest : public HostTest {
 protected:
  void SetUp() override {
    HostTest::SetUp();
    if (IsSkipped()) return;
    const std::string clients =
        "ip addr add 203.0.113.7/32 dev lo; ip addr add 172.18.0.77/32 dev lo;"
        " ip -6 addr add fd00:99::7/128 dev lo nodad";
    ASSERT_EQ(ask_in(outside_.get(), [&] { return shell(clients); }), "");
    BridgeNetwork net = network(18);
    net.addresses.push_back({Subnet::parse("fd00:18::/64").value(), Address::parse("fd00:18::1").value()});
    REQUIRE_OK(create_bridge(net));
    links_ = HostLink::open().value();
    auto made = links_->create_sandbox({.container_id = "web", .endpoints = {endpoint(net, 2)}});
    REQUIRE_OK(made);
    web_ = *std::move(made);
  }

  // As consort-place does.
  Result<Fd> open_on_host(int family, int type, const void* name, std::size_t size) {
    const Fd here = TRY(open_file("/proc/self/ns/net", O_RDONLY));
    if (::setns(outside_.get(), CLONE_NEWNET) != 0) return fail_errno("setns");
    Fd fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    EXPECT_EQ(::setns(here.get(), CLONE_NEWNET), 0);
    const int on = 1;
    if (family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (::bind(fd.get(), static_cast<const sockaddr*>(name), static_cast<socklen_t>(size)) != 0)
      return fail_errno("bind");
    if (type == SOCK_STREAM && ::listen(fd.get(), SOMAXCONN) != 0) return fail_errno("listen");
    return fd;
  }

  // A supervisor with port 8000 in a child. If somebody flushes the firewall meanwhile, it is put back.
  ChildGuard publish(Protocol protocol) {
    const Fd here = open_file("/proc/self/ns/net", O_RDONLY).value();
    return start_in(here.get(), [&](const std::function<void()>& ready) {
      PortReservation reservation({{.host_port = 8000, .container_port = 80, .protocol = protocol}}, {},
                                  [this](auto... name) { return open_on_host(name...); });
      while (reservation.step().value() != PortReservation::Next::finished) {
      }
      const std::vector<ReservedPort> ports = reservation.take();
      EventLoop loop = EventLoop::create().value();
      const auto publisher = PortPublisher::create(loop).value();
      publisher->publish({.ports = ports, .target = {Address::parse("172.18.0.2"), Address::parse("fd00:18::2")}},
                         [&](const Result<>& published) {
                           if (published) ready();
                         });
      (void)loop.run();
    });
  }
  ChildGuard serve_tcp() {
    return start_in(web_.netns.get(), [](const auto& ready) { tcp_serve("::", 80, "web", ready); });
  }
  std::string ask_from(const std::string& address) {
    return ask_in(outside_.get(), [&] { return tcp_ask(address, 8000, "hi"); });
  }

  std::optional<HostLink> links_;
  Sandbox web_;
};

TEST_F(ClientNamesTest, AContainerSeesTheAddressOfItsClient) {
  const ChildGuard web = serve_tcp(), publisher = publish(Protocol::tcp);
  // A new IPv6 address takes a second to be found by its neighbours.
  EXPECT_EQ(tcp_ask("fd00:18::2", 80, "hi"), "web from fd00:18::1: hi");
  EXPECT_EQ(ask_from("203.0.113.7"), "web from ::ffff:203.0.113.7: hi") << shell("nft list ruleset; ip rule");
  EXPECT_EQ(ask_from("198.51.100.1"), "web from ::ffff:198.51.100.1: hi");
  EXPECT_EQ(ask_from("fd00:99::7"), "web from fd00:99::7: hi");
  const std::string large(900'000, 'x');
  EXPECT_EQ(ask_in(outside_.get(), [&] { return tcp_ask("203.0.113.7", 8000, large.substr(0, 60'000)); }),
            "web from ::ffff:203.0.113.7: " + large.substr(0, 60'000));
}

TEST_F(ClientNamesTest, AUdpServerSeesItToo) {
  const ChildGuard web = start_in(web_.netns.get(), [](const auto& ready) { udp_serve("::", 80, "web", ready); });
  const ChildGuard publisher = publish(Protocol::udp);
  const auto ask = [this](const std::string& address) {
    return ask_in(outside_.get(), [&] { return udp_ask(address, 8000, "hi"); });
  };
  EXPECT_EQ(ask("203.0.113.7"), "web from ::ffff:203.0.113.7: hi");
  EXPECT_EQ(ask("127.0.0.1"), "web from ::ffff:172.18.0.1: hi");
}

TEST_F(ClientNamesTest, WhereTheAnswerWouldNotReturnItSeesTheGateway) {
  const ChildGuard web = serve_tcp(), publisher = publish(Protocol::tcp);
  EXPECT_EQ(ask_from("127.0.0.1"), "web from ::ffff:172.18.0.1: hi");
  EXPECT_EQ(ask_from("172.18.0.77"), "web from ::ffff:172.18.0.1: hi");  // an address of the container's own network
}

// A container whose default route leads elsewhere, as a VPN's does.
TEST_F(ClientNamesTest, AContainerThatAnswersAnotherWayIsReachedNevertheless) {
  const ChildGuard web = serve_tcp(), publisher = publish(Protocol::tcp);
  ASSERT_EQ(ask_in(web_.netns.get(), [] { return shell("ip route replace blackhole default"); }), "");
  const auto ask_three = [] {
    std::vector<std::future<std::string>> asked;
    for (int i = 0; i < 3; ++i)
      asked.push_back(std::async(std::launch::async, [] { return tcp_ask("203.0.113.7", 8000, "hi"); }));
    std::string all;
    for (auto& said : asked) all += said.get() + "\n";
    return all;
  };
  const std::string by_the_gateway = "web from ::ffff:172.18.0.1: hi\n";
  EXPECT_EQ(ask_in(outside_.get(), ask_three), by_the_gateway + by_the_gateway + by_the_gateway);
  // By now it is known.
  EXPECT_EQ(ask_in(outside_.get(), [] { return tcp_ask("203.0.113.7", 8000, "hi", 1000); }),
            "web from ::ffff:172.18.0.1: hi");
}

TEST_F(ClientNamesTest, ConnectionsFromOnePortToSeveralContainersDoNotDisturbEachOther) {
  const ChildGuard web = serve_tcp(), publisher = publish(Protocol::tcp);
  // The first one's socket is still there, on both sides, when the second connection comes from the same port.
  const auto from_port = [] {
    const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in name{.sin_family = AF_INET, .sin_port = htons(4711), .sin_addr = {htonl(0xCB007107)}, .sin_zero = {}};
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) return std::string("bind");
    name.sin_port = htons(8000);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) return std::string("connect");
    const linger now{1, 0};
    (void)write_full(fd.get(), "hi");
    ::shutdown(fd.get(), SHUT_WR);
    std::string said = read_all(fd.get(), 1000).value_or("?");
    ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    return said;
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask_in(outside_.get(), from_port), "web from ::ffff:203.0.113.7: hi");
}

}  // namespace
}  // namespace consort::test

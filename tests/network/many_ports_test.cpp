// A container that publishes hundreds of ports: in one batch for the kernel, but in steps so that the loop can do other
// work.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <numeric>

#include "host_fixture.hpp"
#include "network/firewall.hpp"
#include "network/nft/nft.hpp"
#include "network/ports.hpp"
#include "network/relay/conntrack.hpp"

namespace consort::test {
namespace {

class ManyPortsTest : public HostTest {
 protected:
  static constexpr int count = 600;

  void SetUp() override {
    HostTest::SetUp();
    if (IsSkipped()) return;
    REQUIRE_OK(create_bridge(network(18)));
    firewall_socket_ = nft::Socket::open(NETLINK_NETFILTER).value();
    publisher_ = PortPublisher::create(loop_).value();
  }

  static std::vector<PortRequest> requests(Protocol protocol, std::uint16_t first = 20000) {
    std::vector<PortRequest> requests;
    for (int i = 0; i < count; ++i) {
      const auto offset = static_cast<std::uint16_t>(i);
      requests.push_back({.host_port = static_cast<std::uint16_t>(first == 0 ? 0 : first + offset),
                          .container_port = static_cast<std::uint16_t>(1000 + offset),
                          .protocol = protocol});
    }
    return requests;
  }
  // The number of steps, in addition to the ports.
  static Result<std::pair<std::vector<ReservedPort>, int>> reserve(std::vector<PortRequest> requests) {
    PortReservation reservation(std::move(requests));
    int steps = 1;
    while (TRY(reservation.step()) == SteppedWork::Next::step) ++steps;
    return std::pair(reservation.take(), steps);
  }
  Result<> publish(std::span<const ReservedPort> ports, PortPublisher::Id& id,
                   const PortTarget& target = {Address::parse("172.18.0.2"), {}}) {
    std::optional<Result<>> published;
    id = publisher_->publish({.ports = ports, .target = target},
                             [&](Result<> result) { published = std::move(result); });
    while (!published) {
      TRY(loop_.run_once());
      ++turns_;
    }
    return *std::move(published);
  }
  std::uint32_t generation() { return nft::generation(*firewall_socket_).value(); }
  static std::string elements() {
    return shell("nft list map inet consort publish4_any | grep -o '[a-z]* . [0-9]* : 172.18.0.2' | wc -l");
  }

  EventLoop loop_ = EventLoop::create().value();
  std::optional<nft::Socket> firewall_socket_;
  std::unique_ptr<PortPublisher> publisher_;
  int turns_ = 0;
};

TEST_F(ManyPortsTest, AllPortsTakeOneTransactionAndGoInOne) {
  for (const Protocol protocol : {Protocol::udp, Protocol::tcp}) {
    auto reserved = reserve(requests(protocol));
    REQUIRE_OK(reserved);
    EXPECT_EQ(elements(), "0\n");
    const std::uint32_t before = generation();
    PortPublisher::Id id = 0;
    REQUIRE_OK(publish(reserved->first, id));
    EXPECT_EQ(generation(), before + 1);
    EXPECT_EQ(elements(), std::to_string(count) + "\n");
    REQUIRE_OK(publisher_->unpublish(id));
    EXPECT_EQ(generation(), before + 2);
    EXPECT_EQ(elements(), "0\n");
  }
}

TEST_F(ManyPortsTest, TheFlowsOfAllPortsAreForgottenInOnePass) {
  std::vector<Redirect> redirects;
  for (const PortRequest& request : requests(Protocol::udp))
    redirects.push_back({Protocol::udp, Address(), request.host_port, Address::parse("172.18.0.2").value(), 53});
  // The kernel's table is read once; if it is empty, that takes one part and the end.
  conntrack::Forgetting few({redirects.data(), 1}), all(redirects);
  const auto steps = [](conntrack::Forgetting& forgetting) {
    int taken = 1;
    while (forgetting.step().value() == SteppedWork::Next::step) ++taken;
    return taken;
  };
  EXPECT_EQ(steps(all), steps(few));
}

// Counts turns, not time: on any machine, a turn ends once it has taken five milliseconds.
TEST_F(ManyPortsTest, TheLoopServesOthersMeanwhile) {
  auto reserved = reserve(requests(Protocol::udp));
  REQUIRE_OK(reserved);
  EXPECT_EQ(reserved->second, count);
  const Fd event(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
  int served = 0;
  const auto token = loop_.add(event.get(), EPOLLIN, [&](std::uint32_t) { ++served; });
  REQUIRE_OK(token);
  PortPublisher::Id id = 0;
  REQUIRE_OK(publish(reserved->first, id));
  EXPECT_EQ(served, turns_);
  loop_.remove(*token);
}

TEST_F(ManyPortsTest, RulesOfADeadSupervisorAreReplacedInOneTransaction) {
  auto reserved = reserve(requests(Protocol::tcp));
  REQUIRE_OK(reserved);
  PortRules stale;
  for (const ReservedPort& port : reserved->first)
    stale.redirects.push_back({Protocol::tcp, Address(), port.host_port, Address::parse("172.18.0.9").value(), 1});
  Firewall firewall = Firewall::open().value();
  REQUIRE_OK(firewall.add_ports(stale));
  const std::uint32_t before = generation();
  PortPublisher::Id id = 0;
  REQUIRE_OK(publish(reserved->first, id));
  EXPECT_EQ(generation(), before + 1);
  EXPECT_EQ(elements(), std::to_string(count) + "\n");
  // Half of them are gone; the other half is also removed in one transaction.
  stale.redirects.resize(count / 2);
  REQUIRE_OK(firewall.remove_ports(stale));
  REQUIRE_OK(publisher_->unpublish(id));
  EXPECT_EQ(generation(), before + 3);
  EXPECT_EQ(elements(), "0\n");
}

TEST_F(ManyPortsTest, OneThatIsTakenGivesBackTheOthersAndIsNamed) {
  const auto squatter = reserve_port({.host_port = 20300, .container_port = 80});
  REQUIRE_OK(squatter);
  const auto refused = reserve(requests(Protocol::tcp));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::conflict);
  EXPECT_EQ(refused.error().message().substr(0, 54), "failed to bind host port for 0.0.0.0:20300:1300/tcp: a");
  REQUIRE_OK(reserve_port({.host_port = 20000, .container_port = 80}));
}

TEST_F(ManyPortsTest, ARelayThatCannotBeStartedTakesBackTheRest) {
  auto reserved = reserve(requests(Protocol::udp));
  REQUIRE_OK(reserved);
  // A descriptor that is not a socket stands for any failure of a socket.
  reserved->first[400].sockets[0].fd = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  PortPublisher::Id id = 0;
  const Result<> published = publish(reserved->first, id);
  ASSERT_FALSE(published.has_value());
  EXPECT_EQ(published.error().message().substr(0, 18), "publish port 20400") << published.error().message();
  EXPECT_EQ(elements(), "0\n");
  // Its sockets are no longer watched, so they can be published again.
  reserved->first.resize(400);
  REQUIRE_OK(publish(reserved->first, id));
}

TEST_F(ManyPortsTest, EphemeralPortsAreNotLookedForFromTheBeginningEachTime) {
  auto reserved = reserve(requests(Protocol::tcp, 0));
  REQUIRE_OK(reserved);
  EXPECT_EQ(reserved->second, count);
  EXPECT_EQ(reserved->first.back().host_port, reserved->first.front().host_port + count - 1);
}

TEST_F(ManyPortsTest, WithoutDescriptorsTheErrorSaysWhatIsNeeded) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit few = before;
  few.rlim_cur = 200;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const auto refused = reserve(requests(Protocol::tcp));
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message().find("too many open files"), std::string::npos) << refused.error().message();
  EXPECT_NE(refused.error().hint_text().find("two open files for each published port, but is limited to 200"),
            std::string::npos)
      << refused.error().hint_text();
}

}  // namespace
}  // namespace consort::test

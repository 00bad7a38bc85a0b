// The DNS server as a container sees it: at 127.0.0.11, port 53, in the container's network namespace.
#include "network/dns.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fstream>

#include "base/os/files/file.hpp"
#include "dns_query.hpp"
#include "host_fixture.hpp"
#include "network/dns/dns_upstream.hpp"

namespace consort::test {
namespace {

NameRecord record(const std::string& network, const std::string& container, std::vector<std::string> names,
                  const std::string& ipv4, const std::string& ipv6 = {}) {
  names.push_back(container);
  return {network + "-id", "proj_" + network, container, std::move(names), Address::parse(ipv4), Address::parse(ipv6)};
}

TEST(NameTable, FindsNamesOfTheAskersNetworksOnly) {
  const NameTable table({record("back", "p-db-1", {"db", "DataBase"}, "172.18.0.2"),
                         record("back", "p-db-2", {"db"}, "172.18.0.3"),
                         record("front", "p-web-1", {"web"}, "172.19.0.2", "fd00::2")});
  EXPECT_EQ(table.find({"back-id"}, "DB")->ipv4.size(), 2u);
  EXPECT_EQ(table.find({"back-id"}, "database")->ipv4.front().to_string(), "172.18.0.2");
  EXPECT_EQ(table.find({"back-id"}, "p-db-2.proj_back")->ipv4.front().to_string(), "172.18.0.3");
  EXPECT_FALSE(table.find({"back-id"}, "web"));
  EXPECT_FALSE(table.find({"back-id"}, "web.proj_front"));
  EXPECT_FALSE(table.find({"unknown"}, "db"));
  EXPECT_EQ(table.find({"back-id", "front-id"}, "web")->ipv6.front().to_string(), "fd00::2");
  EXPECT_EQ(table.find_name({"back-id"}, Address::parse("172.18.0.3").value()), "p-db-2.proj_back");
  EXPECT_FALSE(table.find_name({"front-id"}, Address::parse("172.18.0.3").value()));
}

TEST(NameTable, TheFirstNetworkThatKnowsTheNameAnswers) {
  const NameTable table(
      {record("one", "p-db-1", {"db"}, "172.18.0.2"), record("two", "p-db-1", {"db"}, "172.19.0.2", "fd00::2")});
  const auto found = table.find({"two-id", "one-id"}, "db");
  EXPECT_EQ(found->ipv4, std::vector{Address::parse("172.19.0.2").value()});
  EXPECT_EQ(table.find({"one-id", "two-id"}, "db")->ipv4, std::vector{Address::parse("172.18.0.2").value()});
  EXPECT_EQ(table.find({"one-id", "two-id"}, "db")->ipv6, std::vector{Address::parse("fd00::2").value()});
}

TEST(Nameservers, AreReadLikeTheLibraryDoes) {
  const auto servers = parse_nameservers(
      "# x\nnameserver 10.0.0.1\n  nameserver\tfd00::1 # y\nnameserver fe80::1%eth0\n"
      "nameservers 10.0.0.2\nsearch a\nnameserver 10.0.0.3");
  std::string all;
  for (const Address& server : servers) all += server.to_string() + " ";
  EXPECT_EQ(all, "10.0.0.1 fd00::1 10.0.0.3 ");
}

class DnsTest : public HostTest {
 protected:
  static constexpr std::uint16_t upstream_port = 5300;

  void SetUp() override {
    HostTest::SetUp();
    if (IsSkipped()) return;
    const BridgeNetwork net = network(18);
    REQUIRE_OK(create_bridge(net));
    auto host = HostLink::open();
    auto made = host->create_sandbox({.container_id = "web", .endpoints = {endpoint(net, 2)}});
    REQUIRE_OK(made);
    web_ = *std::move(made);
    here_ = open_file("/proc/self/ns/net", O_RDONLY).value();
  }

  ChildGuard serve(
      const DnsClient& client, const std::function<void()>& first = [] {}) {
    return start_in(here_.get(), [&](const std::function<void()>& ready) {
      first();
      EventLoop loop = EventLoop::create().value();
      using namespace std::chrono_literals;
      DnsServer server(loop, {.attempt = 200ms, .total = 700ms}, upstream_port);
      server.set_table(std::make_shared<NameTable>(std::vector<NameRecord>{
          record("back", "p-db-1", {"db"}, "172.18.0.2", "fd00::2"), record("back", "p-db-2", {"db"}, "172.18.0.3"),
          record("front", "p-web-1", {"web"}, "172.19.0.2")}));
      const auto id = server.add(web_.dns_udp.get(), web_.dns_tcp.get(), client);
      if (!id) return;
      ready();
      (void)loop.run();
    });
  }

  // An upstream server on the host that answers every A query with 192.0.2.80, and others with NXDOMAIN.
  ChildGuard upstream(const std::string& address, dns::Rcode failure = dns::Rcode::ok) {
    return upstream_in(here_.get(), address, failure);
  }
  static ChildGuard upstream_in(int netns, const std::string& address, dns::Rcode failure = dns::Rcode::ok) {
    return start_in(netns, [=](const std::function<void()>& ready) {
      udp_answer(address, upstream_port, ready, [=](const std::string& got) {
        const dns::Bytes message(got.begin(), got.end());
        const auto query = dns::parse_query(message).value();
        const Address answer = Address::parse("192.0.2.80").value();
        dns::Bytes bytes = dns::answer_addresses(message, query, {&answer, 1}, 512);
        if (query.type != dns::type_a) bytes = dns::answer_empty(message, query, dns::Rcode::name_error);
        if (failure != dns::Rcode::ok) bytes = dns::answer_empty(message, query, failure);
        return std::string(bytes.begin(), bytes.end());
      });
    });
  }

  std::string ask(const std::string& name, std::uint16_t type = dns::type_a, Via via = Via::udp) {
    return ask_in(web_.netns.get(), [&] { return resolve(name, type, via); });
  }

  static DnsClient client(std::vector<std::string> upstreams = {}) {
    DnsClient client;
    client.network_ids = {"back-id"};
    for (const std::string& text : upstreams) client.upstreams.push_back(Address::parse(text).value());
    client.external = !upstreams.empty();
    return client;
  }

  Sandbox web_;
  Fd here_;
};

TEST_F(DnsTest, NamesOfTheNetworkAreAnsweredOverBothTransports) {
  const auto server = serve(client());
  EXPECT_EQ(ask("db"), "NOERROR 172.18.0.2 172.18.0.3");
  EXPECT_EQ(ask("DB", dns::type_a, Via::tcp), "NOERROR 172.18.0.2 172.18.0.3");
  EXPECT_EQ(ask("p-db-1"), "NOERROR 172.18.0.2");
  EXPECT_EQ(ask("p-db-1.proj_back"), "NOERROR 172.18.0.2");
  EXPECT_EQ(ask("p-db-1", dns::type_aaaa), "NOERROR fd00::2");
  EXPECT_EQ(ask("p-db-2", dns::type_aaaa), "NOERROR");
  EXPECT_EQ(ask("db", dns::type_mx), "NOERROR");
  EXPECT_EQ(ask("2.0.18.172.in-addr.arpa", dns::type_ptr), "NOERROR p-db-1 proj_back");
}

TEST_F(DnsTest, OnAnInternalNetworkOtherNamesFailAtOnce) {
  const auto server = serve(client());
  EXPECT_EQ(ask("example.com"), "SERVFAIL");
  EXPECT_EQ(ask("web"), "SERVFAIL");
  EXPECT_EQ(ask("db", 16), "SERVFAIL");
}

TEST_F(DnsTest, ServersOfTheAskerAreAskedFromItsNamespaceOnInternalNetworksToo) {
  const auto of_container = upstream_in(web_.netns.get(), "172.18.0.2");
  const auto of_host = upstream("127.0.0.1");
  DnsClient internal = client({"172.18.0.2"});
  internal.external = false;
  internal.netns = web_.netns.get();
  {
    const auto server = serve(internal);
    EXPECT_EQ(ask("example.com"), "NOERROR 192.0.2.80");
    EXPECT_EQ(ask("db"), "NOERROR 172.18.0.2 172.18.0.3");
  }
  internal.upstreams = {Address::parse("127.0.0.1").value()};  // the container's own loopback, where no server listens
  const auto server = serve(internal);
  EXPECT_EQ(ask("example.com"), "SERVFAIL");
}

// No server answers, so all queries stay pending.
TEST(Upstreams, OneAskerCannotTakeAllPlaces) {
  EventLoop loop = EventLoop::create().value();
  dns::Upstreams upstreams(loop, {}, 5300);
  const dns::Bytes query(12);
  const auto ask = [&](std::uint64_t asker) {
    return upstreams.ask({.asker = asker, .servers = {Address::loopback(Family::v4)}, .query = query},
                         [](const std::optional<dns::Bytes>&) {});
  };
  std::size_t first = 0, second = 0;
  while (ask(1) != 0) ++first;
  while (ask(2) != 0) ++second;
  EXPECT_EQ(first, dns::Upstreams::max_pending / 2);
  EXPECT_EQ(second, dns::Upstreams::max_pending / 4);
  EXPECT_NE(ask(3), 0u);
  upstreams.cancel_all_of(1);
  EXPECT_NE(ask(2), 0u);
}

TEST_F(DnsTest, OtherNamesAreAskedOutside) {
  const auto outside = upstream("127.0.0.1");
  const auto server = serve(client({"127.0.0.1"}));
  EXPECT_EQ(ask("example.com"), "NOERROR 192.0.2.80");
  EXPECT_EQ(ask("example.com", dns::type_aaaa), "NXDOMAIN");
  EXPECT_EQ(ask("web"), "NOERROR 192.0.2.80");
  EXPECT_EQ(ask("db"), "NOERROR 172.18.0.2 172.18.0.3");
  EXPECT_EQ(ask("example.com", dns::type_a, Via::tcp), "SERVFAIL");  // this upstream has no TCP
}

// When a laptop changes its network or a VPN is connected, running containers must use the new servers.
TEST_F(DnsTest, TheHostsServersAreThoseOfTheMoment) {
  const auto one = upstream("127.0.0.1");
  const auto other = upstream("127.0.0.2", dns::Rcode::name_error);
  DnsClient outside = client();
  outside.external = true;
  const auto server = serve(outside, [] {  // with an /etc of its own
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", "/etc", "tmpfs", 0, nullptr) != 0)
      ::_exit(98);
  });
  const std::string file = "/proc/" + std::to_string(server.pid()) + "/root/etc/resolv.conf";
  REQUIRE_OK(write_file_atomic(file, "nameserver 127.0.0.1\n"));
  EXPECT_EQ(ask("example.com"), "NOERROR 192.0.2.80");
  REQUIRE_OK(write_file_atomic(file, "nameserver 127.0.0.2\n"));  // a new file, as from resolvconf or NetworkManager
  EXPECT_EQ(ask("example.com"), "NXDOMAIN");
  std::ofstream(file) << "nameserver 127.0.0.1\n";  // the same file with other content
  EXPECT_EQ(ask("example.com"), "NOERROR 192.0.2.80");
}

TEST_F(DnsTest, AServerThatIsSilentRefusesOrFailsIsPassedOver) {
  const auto good = upstream("127.0.0.3");
  const auto bad = upstream("127.0.0.2", dns::Rcode::server_failure);
  const auto silent =
      start_in(here_.get(), [](const auto& ready) { udp_answer("127.0.0.4", upstream_port, ready, {}); });
  {
    const auto server = serve(client({"127.0.0.1", "127.0.0.2", "127.0.0.4", "127.0.0.3"}));
    EXPECT_EQ(ask("example.com"), "NOERROR 192.0.2.80");
  }
  {
    const auto server = serve(client({"127.0.0.2", "127.0.0.1"}));
    EXPECT_EQ(ask("example.com"), "SERVFAIL");
  }
  {
    const auto server = serve(client({"127.0.0.4"}));
    EXPECT_EQ(ask("example.com"), "SERVFAIL");  // after the full timeout
    EXPECT_EQ(ask("example.com"), "SERVFAIL");
  }
}

TEST_F(DnsTest, LinksAreSeenByTheirAskerOnly) {
  DnsClient linked = client();
  linked.links = {{"Database", "p-db-2"}};
  {
    const auto server = serve(linked);
    EXPECT_EQ(ask("database"), "NOERROR 172.18.0.3");
  }
  const auto server = serve(client());
  EXPECT_EQ(ask("database"), "SERVFAIL");
}

TEST_F(DnsTest, RubbishIsAnsweredOrDroppedAndHarmsNobody) {
  const auto server = serve(client());
  const std::string said = ask_in(web_.netns.get(), [] { return udp_ask("127.0.0.11", 53, std::string(20, '\x01')); });
  EXPECT_EQ(said.size(), 12u);
  EXPECT_EQ(said.substr(3, 1), "\x81");
  ask_in(web_.netns.get(), [] { return tcp_exchange("127.0.0.11", 53, "\xff\xff garbage", 300); });
  EXPECT_EQ(ask("db"), "NOERROR 172.18.0.2 172.18.0.3");
}

TEST_F(DnsTest, TheContainerCanServePort53Itself) {
  const auto server = serve(client());
  const auto own = start_in(web_.netns.get(), [](const auto& ready) { udp_serve("0.0.0.0", 53, "own", ready); });
  EXPECT_EQ(ask_in(web_.netns.get(), [] { return udp_ask("127.0.0.1", 53, "hi"); }), "own from 127.0.0.1: hi");
  EXPECT_EQ(ask("p-db-1"), "NOERROR 172.18.0.2");
}

}  // namespace
}  // namespace consort::test

#include "network/pools.hpp"

#include <gtest/gtest.h>

namespace consort {
namespace {

Subnet subnet(const char* text) {
  return Subnet::parse(text).value();
}
Address address(const char* text) {
  return Address::parse(text).value();
}

TEST(Address, IsReadStrictly) {
  EXPECT_EQ(address("172.18.0.2").to_string(), "172.18.0.2");
  EXPECT_EQ(address("FD00:0::1").to_string(), "fd00::1");
  for (const char* bad :
       {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "fe80::1%eth0", "[::1]", " 1.2.3.4", "::g"})
    EXPECT_FALSE(Address::parse(bad)) << bad;
  EXPECT_TRUE(address("127.8.0.1").is_loopback());
  EXPECT_TRUE(address("::1").is_loopback());
  EXPECT_FALSE(address("::2").is_loopback());
  EXPECT_TRUE(address("::").is_any());
  EXPECT_EQ(address("10.0.0.255").plus(1).to_string(), "10.0.1.0");
  EXPECT_EQ(address("fd00::ffff").plus(1).to_string(), "fd00::1:0");
}

TEST(Subnet, ContainsAndOverlaps) {
  EXPECT_EQ(subnet("172.18.3.4/16").to_string(), "172.18.0.0/16");
  EXPECT_EQ(subnet("172.18.0.0/16").last().to_string(), "172.18.255.255");
  EXPECT_TRUE(subnet("10.0.0.0/8").overlaps(subnet("10.200.0.0/24")));
  EXPECT_TRUE(subnet("10.200.0.0/24").overlaps(subnet("10.0.0.0/8")));
  EXPECT_FALSE(subnet("10.0.0.0/24").overlaps(subnet("10.0.1.0/24")));
  EXPECT_FALSE(subnet("0.0.0.0/0").overlaps(subnet("::/0")));
  for (const char* bad : {"10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "x/8"})
    EXPECT_FALSE(Subnet::parse(bad)) << bad;
}

TEST(MacAddress, BelongsToItsAddress) {
  EXPECT_EQ(MacAddress::of(address("172.18.0.2")).to_string(), "02:42:ac:12:00:02");
  EXPECT_EQ(MacAddress::parse("02-42-AC-12-00-02")->to_string(), "02:42:ac:12:00:02");
  EXPECT_EQ(MacAddress::random()->bytes()[0] & 3, 2);
  for (const char* bad : {"", "02:42:ac:12:00", "02:42-ac:12:00:02", "02:42:ac:12:00:0g"})
    EXPECT_FALSE(MacAddress::parse(bad)) << bad;
}

TEST(ChooseSubnet, TakesTheLowestFreeOfThePools) {
  EXPECT_EQ(choose_subnet({}, PoolUse::default_bridge)->to_string(), "172.17.0.0/16");
  EXPECT_EQ(choose_subnet({}, PoolUse::user_network)->to_string(), "172.18.0.0/16");
  std::vector<Subnet> used{subnet("172.18.0.0/16"), subnet("172.19.7.0/24"), subnet("172.16.0.0/14")};
  EXPECT_EQ(choose_subnet(used, PoolUse::user_network)->to_string(), "172.20.0.0/16");
  used.push_back(subnet("172.16.0.0/12"));
  EXPECT_EQ(choose_subnet(used, PoolUse::user_network)->to_string(), "192.168.0.0/20");
  used.push_back(subnet("192.168.1.0/24"));
  EXPECT_EQ(choose_subnet(used, PoolUse::user_network)->to_string(), "192.168.16.0/20");
  used.push_back(subnet("192.168.0.0/16"));
  const auto none = choose_subnet(used, PoolUse::user_network);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), Code::conflict);
  EXPECT_EQ(none.error().message(), "choose a subnet: all predefined address pools have been fully subnetted");
}

TEST(ChooseSubnet, OverlapIsRefusedInDockersWords) {
  const std::vector<Subnet> used{subnet("172.18.0.0/16")};
  const auto refused = check_subnet(subnet("172.18.9.0/24"), used);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "invalid pool request: Pool overlaps with other one on this address space");
  EXPECT_TRUE(check_subnet(subnet("172.19.0.0/24"), used));
}

TEST(ChooseUlaSubnet, IsStableAndUnique) {
  const Subnet first = choose_ula_subnet({}, "abc").value();
  EXPECT_EQ(first, choose_ula_subnet({}, "abc").value());
  EXPECT_EQ(first.prefix(), 64u);
  EXPECT_TRUE(subnet("fd00::/8").contains(first));
  EXPECT_NE(first, choose_ula_subnet({}, "abd").value());
  EXPECT_FALSE(first.overlaps(choose_ula_subnet({&first, 1}, "abc").value()));
}

TEST(ChooseAddress, TakesTheLowestFreeOne) {
  AddressRequest request{.subnet = subnet("172.18.0.0/29"), .gateway = address("172.18.0.1")};
  EXPECT_EQ(choose_address(request)->to_string(), "172.18.0.2");
  std::vector<Address> taken{address("172.18.0.3"), address("172.18.0.2")};
  request.reserved = taken;
  EXPECT_EQ(choose_address(request)->to_string(), "172.18.0.4");
  taken.insert(taken.end(), {address("172.18.0.4"), address("172.18.0.5"), address("172.18.0.6")});
  request.reserved = taken;
  const auto full = choose_address(request);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code(), Code::conflict);
}

TEST(ChooseAddress, StaysInTheRange) {
  AddressRequest request{.subnet = subnet("10.0.0.0/8"), .ip_range = subnet("10.5.0.0/30")};
  EXPECT_EQ(choose_address(request)->to_string(), "10.5.0.0");
  const std::vector<Address> taken{address("10.5.0.0"), address("10.5.0.1"), address("10.5.0.2"), address("10.5.0.3")};
  request.reserved = taken;
  EXPECT_FALSE(choose_address(request));
}

TEST(ChooseAddress, ReachesTheEndsOfSmallAndLastSubnets) {
  EXPECT_EQ(choose_address({.subnet = subnet("10.0.0.4/31")})->to_string(), "10.0.0.5");
  EXPECT_FALSE(choose_address({.subnet = subnet("10.0.0.4/32")}));
  const Address gateway = address("255.255.255.253");
  EXPECT_EQ(choose_address({.subnet = subnet("255.255.255.252/30"), .gateway = gateway})->to_string(),
            "255.255.255.254");
  EXPECT_EQ(choose_address({.subnet = subnet("fd00:1::/64"), .gateway = address("fd00:1::1")})->to_string(),
            "fd00:1::2");
}

TEST(CheckAddress, RefusesInDockersWords) {
  const std::vector<Address> taken{address("172.18.0.9")};
  const AddressRequest request{.subnet = subnet("172.18.0.0/16"), .gateway = address("172.18.0.1"), .reserved = taken};
  EXPECT_TRUE(check_address(request, address("172.18.5.5")));
  EXPECT_EQ(check_address(request, address("10.0.0.1")).error().message(),
            "invalid config for network: no configured subnet or ip-range contain the IP address 10.0.0.1");
  EXPECT_EQ(check_address(request, address("172.18.0.9")).error().data().what, "Address already in use");
  EXPECT_EQ(check_address(request, address("172.18.0.1")).error().code(), Code::conflict);
  EXPECT_EQ(check_address(request, address("172.18.255.255")).error().code(), Code::invalid);
}

}  // namespace
}  // namespace consort

#include "engine/records/leases.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consort::engine {

using testing::HasSubstr;

Network network_of(const std::string& subnet, const std::string& gateway) {
  Network network;
  network.id = "n1";
  network.spec.name = "proj_default";
  network.spec.pools = {{.subnet = subnet, .ip_range = {}, .gateway = gateway, .aux_addresses = {}}};
  return network;
}

EndpointRecord endpoint(const std::string& container, const std::string& lease = {}, const std::string& fixed = {}) {
  return {.container_id = container,
          .network_id = "n1",
          .spec = {.network = "proj_default", .ipv4 = fixed},
          .ipv4 = lease,
          .ipv6 = {},
          .project = "proj"};
}

Result<std::string> choose(const Network& network, const EndpointRecord& own, std::vector<EndpointRecord> others,
                           bool others_run = true) {
  const std::vector<EndpointRecord> owns{own};
  const std::vector<Network> networks{network};
  others.push_back(own);
  const auto leases = choose_leases(
      {.own = owns, .neighbours = others, .networks = networks, .holder_runs = [=](const EndpointRecord&) {
         return others_run;
       }});
  if (!leases) return fail(Error(leases.error().code(), leases.error().message()));
  return leases->front().ipv4;
}

TEST(Leases, TheLowestFreeAddress) {
  const Network network = network_of("172.18.0.0/16", "172.18.0.1");
  EXPECT_EQ(choose(network, endpoint("a"), {}).value(), "172.18.0.2");
  EXPECT_EQ(choose(network, endpoint("a"), {endpoint("b", "172.18.0.2"), endpoint("c", "172.18.0.4")}).value(),
            "172.18.0.3");
}

TEST(Leases, AnOwnLeaseIsKept) {
  const Network network = network_of("172.18.0.0/16", "172.18.0.1");
  EXPECT_EQ(choose(network, endpoint("a", "172.18.0.9"), {}).value(), "172.18.0.9");
}

TEST(Leases, AddressesThatOthersHaveWrittenDownAreLeftToThem) {
  const Network network = network_of("10.1.0.0/24", "10.1.0.1");
  EXPECT_EQ(choose(network, endpoint("a"), {endpoint("b", "", "10.1.0.2")}).value(), "10.1.0.3");
}

TEST(Leases, AFixedAddressThatIsTakenIsAnErrorUnlessItsHolderHasEnded) {
  const Network network = network_of("10.1.0.0/24", "10.1.0.1");
  const std::vector<EndpointRecord> others{endpoint("b", "10.1.0.5")};
  EXPECT_THAT(choose(network, endpoint("a", "", "10.1.0.5"), others).error().message(),
              HasSubstr("Address already in use"));
  EXPECT_EQ(choose(network, endpoint("a", "", "10.1.0.5"), others, false).value(), "10.1.0.5");
}

TEST(Leases, WhenNoneIsLeftThoseOfTheEndedAreTaken) {
  const Network network = network_of("10.1.0.0/30", "10.1.0.1");  // one address
  const std::vector<EndpointRecord> others{endpoint("b", "10.1.0.2")};
  EXPECT_FALSE(choose(network, endpoint("a"), others));
  EXPECT_EQ(choose(network, endpoint("a"), others, false).value(), "10.1.0.2");
}

TEST(Endpoints, FixedAddressesNeedASubnetOfTheUsers) {
  Network network = network_of("10.1.0.0/24", "10.1.0.1");
  EXPECT_TRUE(check_endpoint({.network = "n", .ipv4 = "10.1.0.7"}, network));
  EXPECT_THAT(check_endpoint({.network = "n", .ipv4 = "10.2.0.7"}, network).error().message(),
              HasSubstr("no configured subnet or ip-range contain the IP address 10.2.0.7"));
  network.spec.chosen_pools = true;
  EXPECT_THAT(check_endpoint({.network = "n", .ipv4 = "10.1.0.7"}, network).error().message(),
              HasSubstr("user specified IP address is supported only when connecting to networks with user configured "
                        "subnets"));
}

}  // namespace consort::engine

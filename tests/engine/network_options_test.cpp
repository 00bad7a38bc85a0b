#include "engine/checks/network_options.hpp"

#include <gtest/gtest.h>

#include "engine/records/leases.hpp"

namespace consort::engine {
namespace {

NetworkSpec spec(const std::string& driver, StringMap options, bool internal = false) {
  NetworkSpec made;
  made.name = "n";
  made.driver = driver;
  made.driver_opts = std::move(options);
  made.internal = internal;
  return made;
}

// Where Docker refuses an option, the message is Docker's.
TEST(NetworkOptions, AreRefusedWhereTheyMeanNothing) {
  const std::string bridge = "com.docker.network.bridge.";
  const struct {
    NetworkSpec spec;
    std::string error;
  } cases[] = {
      {spec("bridge", {{bridge + "gateway_mode_ipv4", "bogus"}}),
       "failed to parse com.docker.network.bridge.gateway_mode_ipv4 value: bogus (unknown gateway mode bogus)"},
      {spec("bridge", {{bridge + "gateway_mode_ipv6", "isolated"}}),
       "gateway mode 'isolated' can only be used for an internal network"},
      {spec("bridge", {{bridge + "inhibit_ipv4", "bogus"}}),
       "failed to parse com.docker.network.bridge.inhibit_ipv4 value: bogus (strconv.ParseBool: parsing \"bogus\": "
       "invalid syntax)"},
      {spec("bridge", {{bridge + "host_binding_ipv4", "bogus"}}),
       "failed to parse com.docker.network.bridge.host_binding_ipv4 value: bogus (nil ip)"},
      {spec("macvlan", {{"parent", "eth0"}, {"macvlan_mode", "source"}}),
       "requested macvlan mode 'source' is not valid, 'bridge' mode is the macvlan driver default"},
      {spec("macvlan", {{"parent", "lo"}}), "loopback interface is not a valid macvlan parent link"},
      {spec("macvlan", {}), "network n: a macvlan network needs a parent"},
      {spec("ipvlan", {{"parent", "eth0"}, {"ipvlan_mode", "bogus"}}),
       "requested ipvlan mode 'bogus' is not valid, 'l2' mode is the ipvlan driver default"},
      {spec("ipvlan", {{"parent", "eth0"}, {"ipvlan_mode", "l3"}}),
       "network n: the option ipvlan_mode=l3 is not supported"},
      {spec("overlay", {}), "network n: the driver overlay is not supported"},
  };
  for (const auto& each : cases) {
    const auto checked = check_network_options(each.spec);
    ASSERT_FALSE(checked.has_value()) << each.error;
    EXPECT_EQ(checked.error().message().substr(0, each.error.size()), each.error);
  }
  for (const NetworkSpec& good :
       {spec("bridge", {{bridge + "gateway_mode_ipv4", "routed"}, {bridge + "inhibit_ipv4", "1"}}),
        spec("bridge", {{bridge + "gateway_mode_ipv4", "isolated"}}, true),
        spec("macvlan", {{"parent", "eth0.10"}, {"macvlan_mode", "private"}}), spec("ipvlan", {{"parent", "eth0"}})})
    EXPECT_TRUE(check_network_options(good).has_value());
}

TEST(NetworkOptions, ANetworkWithoutAGatewayStillHasItsPrefix) {
  Network network;
  network.spec.pools = {{.subnet = "172.20.0.0/16", .ip_range = {}, .gateway = {}, .aux_addresses = {}},
                        {.subnet = "172.21.0.0/24", .ip_range = {}, .gateway = "172.21.0.1", .aux_addresses = {}}};
  const Gateways gateways = gateways_of(network);
  EXPECT_EQ(gateways.ipv4, "");
  EXPECT_EQ(gateways.prefix4, 16U);
}

}  // namespace
}  // namespace consort::engine

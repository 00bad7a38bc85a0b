#include "engine/reach.hpp"

#include <gtest/gtest.h>

namespace consort::engine {
namespace {

TEST(Reach, IsSaidOnceForAllAddressesOfOneKind) {
  Container web;
  web.name = "shop-web-1";
  web.service = "web";
  web.state.ports = {{"0.0.0.0", 8080, 80, "tcp"},
                     {"::", 8080, 80, "tcp"},
                     {"127.0.0.1", 9000, 9000, "udp"},
                     {"::1", 9000, 9000, "udp"},
                     {"10.0.0.5", 443, 443, "tcp"}};
  Container other = web;
  other.name = "shop-web-2";
  other.state.ports = {{"127.8.0.1", 8080, 80, "tcp"}, {"0.0.0.0", 0, 53, "udp"}};
  std::string said;
  for (const ReachedPort& port : reached_ports({web, other}))
    said += port.container + " " + port.port + ": " + port.reach + "\n";
  EXPECT_EQ(said,
            "shop-web-1 8080->80/tcp: everyone who can reach this machine\n"
            "shop-web-1 9000->9000/udp: this machine only\n"
            "shop-web-1 443->443/tcp: everyone who can reach 10.0.0.5\n"
            "shop-web-2 8080->80/tcp: this machine only\n"
            "shop-web-2 53/udp: everyone with a route to the container's network\n");
}

}  // namespace
}  // namespace consort::engine

// A host for one test, with a network and containers on it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "../network/dns_query.hpp"
#include "../network/host_fixture.hpp"
#include "base/os/files/file.hpp"
#include "network/bridge.hpp"
#include "project.hpp"

namespace consort::supervisor {

using test::problem;

class NetworkTest : public test::HostTest {
 protected:
  void SetUp() override {
    if (const std::string reason = TestProject::why_not(); !reason.empty()) GTEST_SKIP() << reason;
    HostTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    BridgeNetwork network;
    network.network_id = std::string(64, '7');
    network.name = "shop_default";
    network.bridge = bridge_name(network.network_id);
    network.addresses = {{Subnet::parse("10.77.0.0/24").value(), Address::parse("10.77.0.1").value()}};
    REQUIRE_OK(create_bridge(network));
    network_id = network.network_id;
  }

  EndpointUnit endpoint(const std::string& address, std::vector<std::string> names) const {
    EndpointUnit made;
    made.network_id = network_id;
    made.network_name = "shop_default";
    made.bridge = bridge_name(network_id);
    made.ifname = "eth0";
    made.ipv4 = address + "/24";
    made.gateway4 = "10.77.0.1";
    made.default_route = true;
    made.dns_names = std::move(names);
    return made;
  }
  ContainerUnit networked(TestProject& project, const std::vector<std::string>& words, const std::string& address,
                          std::vector<std::string> names) const {
    ContainerUnit unit = project.unit(words);
    unit.network_mode = NetworkMode::sandbox;
    unit.endpoints = {endpoint(address, std::move(names))};
    return unit;
  }
  // Resolves the name as a process in the container's network namespace would.
  static std::string resolve_in(const ContainerState& state, const std::string& name) {
    const Fd netns = open_file("/proc/" + std::to_string(state.pid) + "/ns/net", O_RDONLY).value();
    return ask_in(netns.get(), [&] { return test::resolve(name); });
  }
  static void kill_supervisor(const TestProject& project) {
    const pid_t old = project.supervisor();
    ::kill(old, SIGKILL);
    ASSERT_TRUE(eventually([&] {
      const pid_t now = project.supervisor();
      return now != 0 && now != old && project.client().snapshot().has_value();
    }));
  }
  std::string network_id;
};

}  // namespace consort::supervisor

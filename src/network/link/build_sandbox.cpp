#include <sys/random.h>

#include <cerrno>

#include "network/bridge.hpp"
#include "network/dns.hpp"
#include "network/firewall.hpp"
#include "network/link/rtnetlink.hpp"
#include "network/pools.hpp"
#include "network/sandbox.hpp"

namespace consort {

using netlink::Batch;
using netlink::Socket;

namespace {

std::string claims_in(const std::string& run_root) {
  return run_root + "/build-cables";
}

constexpr unsigned cable_prefix = 30;
constexpr int tries_per_block = 16;

// Chooses a random /30: in the default bridge's range, or at the far end of the pools, which networks use last. Random,
// so that builds that start at the same moment need not know of each other.
Result<Subnet> choose_cable_subnet(const std::vector<Subnet>& used) {
  for (const unsigned second : {17u, 31u, 30u, 29u, 28u, 27u, 26u, 25u, 24u, 23u, 22u, 21u, 20u, 19u, 18u}) {
    for (int i = 0; i < tries_per_block; ++i) {
      std::uint8_t bytes[4];
      if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes) return fail_errno("get random bytes");
      bytes[0] = 172;
      bytes[1] = static_cast<std::uint8_t>(second);
      const Subnet candidate(Address::from_bytes(Family::v4, bytes), cable_prefix);
      if (check_subnet(candidate, used)) return candidate;
    }
  }
  return fail(Error(Code::conflict, "choose a subnet for the build")
                  .why("all predefined address pools have been fully subnetted"));
}

}  // namespace

Result<BuildSandbox> create_build_sandbox(HostLink& host, const std::string& id, const std::string& run_root) {
  // If we are killed, the kernel removes the veth pair, but not the rules. So the name is recorded before anything uses
  // it.
  const std::string cable = TRY(random_link_name());
  std::optional<LockFile> claim = TRY(LockFile::try_take(claims_in(run_root), cable));
  if (!claim) return fail(Error(Code::busy, "name the cable of a build").why(cable + " is taken"));
  const Subnet subnet = TRY(choose_cable_subnet(TRY(host_subnets())));
  Endpoint endpoint;
  endpoint.network_name = "build";
  endpoint.ipv4 = InterfaceAddress{subnet.base().plus(2), cable_prefix};
  endpoint.gateway4 = subnet.base().plus(1);
  endpoint.host_address = InterfaceAddress{*endpoint.gateway4, cable_prefix};
  endpoint.default_route = true;
  endpoint.host_ifname = cable;
  constexpr std::uint32_t of_a_cable = 1500;
  if (const std::uint32_t outside = way_out_mtu(); outside < of_a_cable) endpoint.mtu = outside;
  BuildSandbox build{.claim = *std::move(claim)};
  build.sandbox = TRY(host.create_sandbox({.container_id = id, .endpoints = {endpoint}, .dns = SandboxDns::none}));
  TRY(enable_forwarding(Family::v4));
  Firewall firewall = TRY(Firewall::open());
  TRY(firewall.add_bridge({.bridge = build.sandbox.host_links.front()}));
  TRY(firewall.open_by_programs({&build.sandbox.host_links.front(), 1}));
  build.host_gateway = endpoint.gateway4->to_string();
  build.resolv_conf = container_resolv_conf(read_host_resolv_conf());
  return build;
}

Result<> destroy_build_sandbox(BuildSandbox build) {
  const std::vector<std::string> links = std::move(build.sandbox.host_links);
  build.sandbox = {};
  Firewall firewall = TRY(Firewall::open());
  return firewall.remove_bridges(links);
}

// The kernel may still be deleting the namespace: then delete the interface instead of waiting.
Result<> sweep_build_sandboxes(const std::string& run_root) {
  return sweep_lock_files(claims_in(run_root), [](const std::string& cable) -> Result<> {
    Socket socket = TRY(Socket::open(NETLINK_ROUTE));
    Batch batch;
    rtnetlink::delete_link(batch, cable);
    for (const netlink::Failure& failure : TRY(socket.run(batch)))
      if (failure.error != ENODEV) return fail(Socket::error_of(batch, failure));
    Firewall firewall = TRY(Firewall::open());
    return firewall.remove_bridges({&cable, 1});
  });
}

}  // namespace consort

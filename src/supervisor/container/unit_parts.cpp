#include "supervisor/container/unit_parts.hpp"

namespace consort::supervisor {
namespace {

Result<Endpoint> endpoint_of(const EndpointUnit& unit) {
  Endpoint endpoint;
  endpoint.network_id = unit.network_id;
  endpoint.network_name = unit.network_name;
  endpoint.bridge = unit.bridge;
  if (!unit.ifname.empty()) endpoint.ifname = unit.ifname;
  endpoint.ipv4 = InterfaceAddress::parse(unit.ipv4);
  endpoint.gateway4 = consort::Address::parse(unit.gateway4);
  endpoint.ipv6 = InterfaceAddress::parse(unit.ipv6);
  endpoint.gateway6 = consort::Address::parse(unit.gateway6);
  endpoint.mac = MacAddress::parse(unit.mac);
  endpoint.default_route = unit.default_route;
  endpoint.internal = unit.internal;
  endpoint.mtu = static_cast<std::uint32_t>(unit.mtu);
  const auto bad = [&](const std::string& text) {
    return fail(Error(Code::invalid, "read endpoint").on(unit.network_name).why("not an address: " + text));
  };
  if (!unit.ipv4.empty() && !endpoint.ipv4) return bad(unit.ipv4);
  if (!unit.ipv6.empty() && !endpoint.ipv6) return bad(unit.ipv6);
  if (!unit.gateway4.empty() && !endpoint.gateway4) return bad(unit.gateway4);
  if (!unit.gateway6.empty() && !endpoint.gateway6) return bad(unit.gateway6);
  if (!unit.mac.empty() && !endpoint.mac) return bad(unit.mac);
  return endpoint;
}

}  // namespace

Result<SandboxOptions> sandbox_options_of(const ContainerUnit& unit) {
  SandboxOptions options;
  options.container_id = unit.id;
  for (const EndpointUnit& endpoint : unit.endpoints) options.endpoints.push_back(TRY(endpoint_of(endpoint)));
  options.sysctls.assign(unit.sysctls.begin(), unit.sysctls.end());
  options.dns = unit.endpoints.empty() ? SandboxDns::none : SandboxDns::resolver;
  return options;
}

std::optional<runtime::OverlayRoot> overlay_root_of(const ContainerUnit& unit) {
  if (!unit.overlay) return std::nullopt;
  runtime::OverlayRoot root{unit.overlay->lower, unit.overlay->upper, unit.overlay->work};
  // Its files go when it ends: nobody should wait for them, and for all else the host has to write, to reach the disk.
  if (unit.auto_remove) root.sync = runtime::OverlaySync::never;
  return root;
}

}  // namespace consort::supervisor

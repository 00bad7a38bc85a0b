#include "supervisor/container/unit_parts.hpp"

#include <algorithm>

namespace consort::supervisor {
namespace {

Result<Endpoint> endpoint_of(const EndpointUnit& unit) {
  Endpoint endpoint;
  endpoint.network_id = unit.network_id;
  endpoint.network_name = unit.network_name;
  endpoint.bridge = unit.bridge;
  endpoint.parent = unit.parent;
  endpoint.driver = unit.driver;
  endpoint.mode = unit.mode;
  if (!unit.ifname.empty()) endpoint.ifname = unit.ifname;
  endpoint.ipv4 = InterfaceAddress::parse(unit.ipv4);
  endpoint.gateway4 = consort::Address::parse(unit.gateway4);
  endpoint.ipv6 = InterfaceAddress::parse(unit.ipv6);
  endpoint.gateway6 = consort::Address::parse(unit.gateway6);
  endpoint.mac = MacAddress::parse(unit.mac);
  endpoint.default_route = unit.default_route;
  endpoint.internal = unit.internal;
  endpoint.isolated = unit.isolated;
  endpoint.mtu = static_cast<std::uint32_t>(unit.mtu);
  const auto bad = [&](const std::string& text) {
    return fail(Error(Code::invalid, "read endpoint").on(unit.network_name).why("not an address: " + text));
  };
  if (!unit.ipv4.empty() && !endpoint.ipv4) return bad(unit.ipv4);
  if (!unit.ipv6.empty() && !endpoint.ipv6) return bad(unit.ipv6);
  if (!unit.gateway4.empty() && !endpoint.gateway4) return bad(unit.gateway4);
  if (!unit.gateway6.empty() && !endpoint.gateway6) return bad(unit.gateway6);
  if (!unit.mac.empty() && !endpoint.mac) return bad(unit.mac);
  for (const std::string& text : unit.link_local_ips) {
    const auto address = InterfaceAddress::parse(text);
    if (!address) return bad(text);
    endpoint.more_addresses.push_back(*address);
  }
  return endpoint;
}

}  // namespace

Result<SandboxOptions> sandbox_options_of(const ContainerUnit& unit) {
  SandboxOptions options;
  options.container_id = unit.id;
  for (const EndpointUnit& endpoint : unit.endpoints) options.endpoints.push_back(TRY(endpoint_of(endpoint)));
  options.sysctls.assign(unit.sysctls.begin(), unit.sysctls.end());
  if (unit.own_users) options.users = SandboxUsers::container;
  options.dns = unit.endpoints.empty() ? SandboxDns::none : SandboxDns::resolver;
  return options;
}

std::optional<consort::Address> address_in(const std::string& with_prefix) {
  const auto parsed = InterfaceAddress::parse(with_prefix);
  return parsed ? std::optional(parsed->address) : std::nullopt;
}

std::vector<EndpointUnit> endpoints_without(const ContainerUnit& from, const ContainerUnit& without) {
  std::vector<EndpointUnit> left;
  std::ranges::copy_if(from.endpoints, std::back_inserter(left), [&](const EndpointUnit& one) {
    return std::ranges::none_of(without.endpoints, [&](const EndpointUnit& other) {
      return one.network_id == other.network_id && one.ifname == other.ifname;
    });
  });
  return left;
}

namespace {

// The endpoint through which the published ports are reached; null: none. A macvlan or ipvlan interface has an address
// on the outside network, where all its ports can be reached anyway.
const EndpointUnit* published_endpoint(const ContainerUnit& unit) {
  const auto leads_out = [](const EndpointUnit& e) { return !e.internal; };
  auto chosen =
      std::ranges::find_if(unit.endpoints, [&](const EndpointUnit& e) { return e.default_route && leads_out(e); });
  if (chosen == unit.endpoints.end()) chosen = std::ranges::find_if(unit.endpoints, leads_out);
  return chosen == unit.endpoints.end() || !chosen->parent.empty() ? nullptr : &*chosen;
}

bool concerns(const PortUnit& port, Family family) {
  const auto address = consort::Address::parse(port.host_ip);
  return !address || address->family() == family;
}

}  // namespace

PortTarget port_target_of(const ContainerUnit& unit) {
  const EndpointUnit* chosen = published_endpoint(unit);
  return chosen ? PortTarget{address_in(chosen->ipv4), address_in(chosen->ipv6)} : PortTarget{};
}

std::vector<Openings> openings_of(const ContainerUnit& unit) {
  std::vector<Openings> all;
  const EndpointUnit* chosen = published_endpoint(unit);
  for (const EndpointUnit& endpoint : unit.endpoints) {
    for (const Family family : {Family::v4, Family::v6}) {
      const bool v4 = family == Family::v4;
      const auto address = address_in(v4 ? endpoint.ipv4 : endpoint.ipv6);
      if (!address || !(v4 ? endpoint.routed4 : endpoint.routed6)) continue;
      Openings openings{endpoint.bridge, *address, {}};
      for (const PortUnit& port : unit.ports)
        if (&endpoint == chosen && concerns(port, family))
          openings.ports.push_back({parse_protocol(port.protocol).value_or(Protocol::tcp), port.container_port});
      all.push_back(std::move(openings));
    }
  }
  return all;
}

PortRequest port_request_of(const PortUnit& port) {
  PortRequest request;
  request.host_ip = port.host_ip;
  request.host_port = port.host_port;
  request.host_port_end = port.host_port_end;
  request.container_port = port.container_port;
  request.protocol = parse_protocol(port.protocol).value_or(Protocol::tcp);
  return request;
}

std::vector<PortRequest> port_requests_of(const ContainerUnit& unit) {
  std::vector<PortRequest> requests;
  std::ranges::transform(unit.ports, std::back_inserter(requests), port_request_of);
  const EndpointUnit* chosen = published_endpoint(unit);
  for (PortRequest& request : requests) {
    request.skip_ipv4 = chosen && chosen->routed4;
    request.skip_ipv6 = chosen && chosen->routed6;
  }
  return requests;
}

bool needs_same_ports(const ContainerUnit& one, const ContainerUnit& other) {
  return std::ranges::equal(port_requests_of(one), port_requests_of(other), [](const auto& a, const auto& b) {
    return a.skip_ipv4 == b.skip_ipv4 && a.skip_ipv6 == b.skip_ipv6;
  });
}

BoundPort bound_port_of(const ReservedPort& port, const PortSocket& socket) {
  return BoundPort{socket.address.to_string(), port.host_port, port.request.container_port,
                   std::string(to_string(port.request.protocol))};
}

std::optional<runtime::OverlayRoot> overlay_root_of(const ContainerUnit& unit) {
  if (!unit.overlay) return std::nullopt;
  runtime::OverlayRoot root{unit.overlay->lower, unit.overlay->upper, unit.overlay->work};
  // Its files are deleted when it ends: do not wait for them, and for everything else that the host has to write, to
  // reach the disk.
  if (unit.own_users) root.owners = runtime::OverlayRoot::Owners::of_container;
  if (unit.auto_remove) root.sync = runtime::OverlaySync::never;
  return root;
}

}  // namespace consort::supervisor

// Converts parts of a unit to the types of the modules that use them.
#pragma once

#include <optional>
#include <vector>

#include "network/ports.hpp"
#include "network/sandbox.hpp"
#include "runtime/launch.hpp"
#include "supervisor/state.hpp"
#include "supervisor/unit.hpp"

namespace consort::supervisor {

// For a container with its own network namespace. Code::invalid: malformed address.
Result<SandboxOptions> sandbox_options_of(const ContainerUnit& unit);

// "10.1.2.3/24" without its prefix. nullopt: malformed.
std::optional<consort::Address> address_in(const std::string& with_prefix);

// The endpoints of `from` that are not in `without`; endpoints are identified by network and interface.
std::vector<EndpointUnit> endpoints_without(const ContainerUnit& from, const ContainerUnit& without);

// The target of published ports: the network with the container's default route, unless it is internal. Without an
// address of either family they are not published, as in Docker.
PortTarget port_target_of(const ContainerUnit& unit);
PortRequest port_request_of(const PortUnit& port);
std::vector<PortRequest> port_requests_of(const ContainerUnit& unit);  // in the unit's order
// Whether both use the host's ports for the same families. Everything else about their ports is the same.
bool needs_same_ports(const ContainerUnit& one, const ContainerUnit& other);
// The open ports at the container's own addresses on networks that are routed to this host, including addresses without
// any.
std::vector<Openings> openings_of(const ContainerUnit& unit);
BoundPort bound_port_of(const ReservedPort& port, const PortSocket& socket);

// nullopt: its root file system is a directory.
std::optional<runtime::OverlayRoot> overlay_root_of(const ContainerUnit& unit);

}  // namespace consort::supervisor

// What a unit says, in the words of the modules that carry it out.
#pragma once

#include <optional>
#include <vector>

#include "network/ports.hpp"
#include "network/sandbox.hpp"
#include "runtime/launch.hpp"
#include "supervisor/state.hpp"
#include "supervisor/unit.hpp"

namespace consort::supervisor {

// Of a container that has a network namespace of its own. Code::invalid: an address is none.
Result<SandboxOptions> sandbox_options_of(const ContainerUnit& unit);

// "10.1.2.3/24" without its prefix. nullopt: it is no such address.
std::optional<consort::Address> address_in(const std::string& with_prefix);

// Those endpoints of `from` that `without` has not; its network and its interface are what an endpoint is told by.
std::vector<EndpointUnit> endpoints_without(const ContainerUnit& from, const ContainerUnit& without);

// Where published ports lead: to the network that gives the container its default route, and never to one without a
// way in. With neither address they are not published at all, as with Docker.
PortTarget port_target_of(const ContainerUnit& unit);
PortRequest port_request_of(const PortUnit& port);
std::vector<PortRequest> port_requests_of(const ContainerUnit& unit);  // in the order of the unit
// Do both have the host's ports for the same families? The rest of what they publish is the same.
bool needs_same_ports(const ContainerUnit& one, const ContainerUnit& other);
// What is open at the container's own addresses on networks that are routed to this host; with those addresses at which
// nothing is.
std::vector<Openings> openings_of(const ContainerUnit& unit);
BoundPort bound_port_of(const ReservedPort& port, const PortSocket& socket);

// nullopt: its root file system is a directory.
std::optional<runtime::OverlayRoot> overlay_root_of(const ContainerUnit& unit);

}  // namespace consort::supervisor

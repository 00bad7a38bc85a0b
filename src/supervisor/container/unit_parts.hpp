// What a unit says, in the words of the modules that carry it out.
#pragma once

#include <optional>
#include <vector>

#include "network/ports.hpp"
#include "network/sandbox.hpp"
#include "runtime/launch.hpp"
#include "supervisor/unit.hpp"

namespace consort::supervisor {

// Of a container that has a network namespace of its own. Code::invalid: an address is none.
Result<SandboxOptions> sandbox_options_of(const ContainerUnit& unit);

// Published ports lead to the network that gives the container its default route; never to one without a way in. With
// neither address they are not published at all, as with Docker.
PortTarget port_target_of(const ContainerUnit& unit);
std::vector<PortRequest> port_requests_of(const ContainerUnit& unit);  // in the order of the unit

// nullopt: its root file system is a folder.
std::optional<runtime::OverlayRoot> overlay_root_of(const ContainerUnit& unit);

}  // namespace consort::supervisor

// What a unit says, in the words of the modules that carry it out.
#pragma once

#include <optional>

#include "network/sandbox.hpp"
#include "runtime/launch.hpp"
#include "supervisor/unit.hpp"

namespace consort::supervisor {

// Of a container that has a network namespace of its own. Code::invalid: an address is none.
Result<SandboxOptions> sandbox_options_of(const ContainerUnit& unit);

// nullopt: its root file system is a folder.
std::optional<runtime::OverlayRoot> overlay_root_of(const ContainerUnit& unit);

}  // namespace consort::supervisor

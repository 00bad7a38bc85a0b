// Who has the port that could not be taken: a container of another project, or a process of the host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "engine/engine.hpp"

namespace consort::project {

bool is_port_conflict(const Error& error);
// The host port that an error's text speaks of ("... 0.0.0.0:8000 ..."); nullopt if none.
std::optional<std::uint16_t> port_in(std::string_view message);
// "port 8000 is published by container x of project y; ..." or "... is taken by process nginx (pid 12)". "" if unknown.
std::string describe_port_holder(engine::Engine& engine, const Error& error);

}  // namespace consort::project

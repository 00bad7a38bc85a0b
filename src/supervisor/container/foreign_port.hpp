// Finds the container of another project, whatever its roots, whose supervisor or keeper holds a port of the host.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace consort::supervisor {

// "project shop, container shop-web-1"; "project shop" if its record cannot be read. nullopt: the process is not one of
// ours.
std::optional<std::string> foreign_port_owner(pid_t holder, const std::string& protocol, std::uint16_t port);

}  // namespace consort::supervisor

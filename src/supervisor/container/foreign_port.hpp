// Which container a port of the host belongs to that another project's supervisor or keeper holds, whatever its roots.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace consort::supervisor {

// "project shop, container shop-web-1"; "project shop", if its record cannot be read. nullopt: the process is none of
// ours.
std::optional<std::string> foreign_port_owner(pid_t holder, const std::string& protocol, std::uint16_t port);

}  // namespace consort::supervisor

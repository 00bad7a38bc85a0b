// Selects the containers that a command works on.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "project/exec/session.hpp"

namespace consort::project {

enum class Oneoffs : std::uint8_t { leave_out, include };

// Whether it is the container's name or a prefix of its ID (at least twelve characters).
bool is_called(const engine::Container& container, const std::string& name);

// The project's containers of the named services (all if none are named), sorted by name. A container's own name
// selects only it, unless there is a service of that name. An unknown name is "no such service: x".
Result<std::vector<engine::Container>> select_containers(Session& session, const std::vector<std::string>& services,
                                                         Oneoffs oneoffs);
Result<> check_services(const Session& session, const std::vector<engine::Container>& containers,
                        const std::vector<std::string>& services);

// The services of the names; for a container's name, its service.
std::set<std::string> services_named(const std::vector<engine::Container>& containers,
                                     const std::vector<std::string>& names);

// For exec, port, cp, attach, ...: the container of that name, the lowest-numbered running container of the service, or
// its replica `index`.
enum class Running : std::uint8_t { required, any };
Result<engine::Container> one_container(Session& session, const std::string& service, std::optional<unsigned> index,
                                        Running running);

// Warns if the project's containers were created from another directory: two projects may have the same name.
Result<> warn_of_namesake(Session& session);

}  // namespace consort::project

// Which containers a command is about.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "project/exec/session.hpp"

namespace consort::project {

enum class Oneoffs : std::uint8_t { leave_out, include };

// Whether it is the container's name, or the beginning of its id (twelve characters at least).
bool is_called(const engine::Container& container, const std::string& name);

// The project's containers of the named services (all if none is named), by name. A container's own name stands for it
// alone, unless there is a service of that name. A name that nobody knows is "no such service: x".
Result<std::vector<engine::Container>> select_containers(Session& session, const std::vector<std::string>& services,
                                                         Oneoffs oneoffs);
Result<> check_services(const Session& session, const std::vector<engine::Container>& containers,
                        const std::vector<std::string>& services);

// The services of the names; of a container's name the service that it is of.
std::set<std::string> services_named(const std::vector<engine::Container>& containers,
                                     const std::vector<std::string>& names);

// For exec, port, cp, attach, ...: the container of that name, or the lowest-numbered running container of the service,
// or replica `index` of it.
enum class Running : std::uint8_t { required, any };
Result<engine::Container> one_container(Session& session, const std::string& service, std::optional<unsigned> index,
                                        Running running);

// Warns when the project's containers were created from another directory: two projects may have got one name.
Result<> warn_of_namesake(Session& session);

}  // namespace consort::project

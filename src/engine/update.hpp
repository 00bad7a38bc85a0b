// Changing the limits and the restart policy of an existing container.
#pragma once

#include <functional>
#include <string>

#include "base/error.hpp"
#include "engine/engine.hpp"

namespace consort::engine {

struct Changeable {
  Resources resources;
  RestartPolicy restart;
};

// `change` gets the current values and modifies them. For a running container they take effect immediately, through its
// cgroup and its supervisor; for a stopped one, at its next start. Returns warnings for the user. Any thread.
Result<Strings> update_container(const Engine& engine, const std::string& id,
                                 const std::function<Result<>(Changeable&)>& change);

// Removes the link through which container `id` knows another one as `alias`, on the default network. A running
// container keeps the name in its hosts file until its next start. Code::not_found: there is no such link.
Result<> remove_link(const Engine& engine, const std::string& id, const std::string& alias);

}  // namespace consort::engine

// Changing an existing container: its limits and its restart policy.
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

// `change` gets the current values and edits them. On a running container they take effect at once, through its cgroup
// and its supervisor; on a stopped one, at its next start. Returns warnings for the user. Any thread.
Result<Strings> update_container(const Engine& engine, const std::string& id,
                                 const std::function<Result<>(Changeable&)>& change);

// Removes the link by which container `id` knows another one as `alias`, on the default network. A running container
// keeps the name in its hosts file until its next start. Code::not_found: there is no such link.
Result<> remove_link(const Engine& engine, const std::string& id, const std::string& alias);

}  // namespace consort::engine

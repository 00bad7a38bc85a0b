// What of a container can be changed while it is there: its limits and its restart policy.
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

// `change` gets what is there and says what is to be. Of one that runs it takes effect at once, by its cgroup and its
// supervisor; of one that does not, at its next start. Gives warnings for the user. Any thread.
Result<Strings> update_container(const Engine& engine, const std::string& id,
                                 const std::function<Result<>(Changeable&)>& change);

// Takes away the link by which container `id` knows another one as `alias`, on the default network. What runs keeps the
// name in its hosts file until its next start. Code::not_found: there is no such link.
Result<> remove_link(const Engine& engine, const std::string& id, const std::string& alias);

}  // namespace consort::engine

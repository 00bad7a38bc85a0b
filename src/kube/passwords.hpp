// What nodes log in to registries with.
#pragma once

#include <functional>
#include <string>

#include "kube/session.hpp"

namespace consort::kube {

// "user:password" of a registry: the user's own, else what the cluster has already; "": neither. The session must
// outlive it.
Result<std::function<std::string(const std::string& registry)>> passwords_for(Session& session);

}  // namespace consort::kube

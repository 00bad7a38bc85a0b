// Containers that run to their end before a service starts (`pre_start`).
#pragma once

#include "base/error.hpp"
#include "project/plan/container_spec.hpp"

namespace consort::project {

// The hook's container. It has the mounts of `donor`, the container of the service that is started first; its own come
// on top. Code::unsupported, with the place in the file, for `per_replica: true`.
Result<engine::ContainerSpec> hook_spec(const compose::Project& project, const compose::Service& service,
                                        unsigned index, const std::string& donor, const ReplicaOptions& options);
Result<> check_hooks(const compose::Project& project, const compose::Service& service);

}  // namespace consort::project

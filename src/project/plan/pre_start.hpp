// Containers that run to completion before a service starts (`pre_start`).
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "project/plan/container_spec.hpp"
#include "project/plan/plan.hpp"
#include "project/plan/provided.hpp"

namespace consort::project {

// The hook's container. It has the mounts of `donor`, the service's container that is started first, plus its own.
// Code::unsupported, with the position in the file, for `per_replica: true`.
Result<engine::ContainerSpec> hook_spec(const compose::Project& project, const compose::Service& service,
                                        unsigned index, const std::string& donor, const ReplicaOptions& options);
Result<> check_hooks(const compose::Project& project, const compose::Service& service);
// The hooks of the service, in order; each needs the previous one.
Result<std::vector<Operation>> hook_operations(const compose::Project& project, const compose::Service& service,
                                               const std::string& donor, const ReplicaOptions& options);

// For `start`: the wanted services whose hooks must run, because none of their containers is running and one has never
// run; each with the name of the container that is started first.
using HookDonors = std::map<std::string, std::string>;
Result<HookDonors> donors_before_start(const compose::Project& project,
                                       const std::vector<engine::Container>& containers,
                                       const std::set<std::string>& wanted);
// By service. Removes leftovers of earlier hook runs first.
Result<std::map<std::string, std::vector<Operation>>> hooks_before_start(const compose::Project& project,
                                                                         const HookDonors& donors,
                                                                         const std::vector<engine::Container>& hooks,
                                                                         const ReplicaOptions& options,
                                                                         const Provided& provided);

}  // namespace consort::project

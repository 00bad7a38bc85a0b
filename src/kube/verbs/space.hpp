// The namespace of a project, and waiting for what is being removed.
#pragma once

#include <functional>
#include <string>

#include "kube/kinds.hpp"
#include "kube/session.hpp"

namespace consort::kube {

// Removes it if `up` has made it for this project, and waits for its end; false: it is not the project's.
Result<bool> remove_space(Session& session);
bool is_own_space(Session& session);

// Until nothing that the query chooses is left in a list ("/api/v1/namespaces/x/pods"). `left` is told the names of
// those that are there at first, `gone` each that has gone. Code::interrupted if the user does not want to wait.
struct Leaving {
  std::function<void(const std::string&name)> left, gone;
};
Result<> wait_until_gone(Session& session, const std::string& path, const Query& query, const Leaving& tell);

// Removes the pods that the selector chooses, without waiting for the cluster to find out whose they were, and what
// would make them anew, and tells of each until all have gone.
Result<> remove_pods(Session& session, const std::string& selector);

}  // namespace consort::kube

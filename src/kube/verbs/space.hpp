// The namespace of a project, and waiting for removals.
#pragma once

#include <functional>
#include <string>

#include "kube/kinds.hpp"
#include "kube/session.hpp"

namespace consort::kube {

// Removes it if `up` created it for this project, and waits until it is gone; false: it is not the project's.
Result<bool> remove_space(Session& session);
bool is_own_space(Session& session);

// Waits until a list ("/api/v1/namespaces/x/pods") has no more objects that match the query. `left` is called with the
// names of the initial ones, `gone` with each that has gone. Code::interrupted if the user cancels.
struct Leaving {
  std::function<void(const std::string&name)> left, gone;
};
Result<> wait_until_gone(Session& session, const std::string& path, const Query& query, const Leaving& tell);

// Removes the matching pods without waiting for the cluster to notice that their owners are gone, removes what would
// recreate them, and reports each pod until all have gone.
Result<> remove_pods(Session& session, const std::string& selector);

}  // namespace consort::kube

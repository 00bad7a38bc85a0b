// What nodes log in to registries with.
#pragma once

#include "kube/session.hpp"

namespace consort::kube {

// The user's own logins, else what the cluster has already. The session must outlive it. Code::denied: the user may not
// read Secrets.
Result<PasswordOf> passwords_for(Session& session);

}  // namespace consort::kube

// The credentials that nodes use to pull from registries.
#pragma once

#include "kube/session.hpp"

namespace consort::kube {

// The user's own logins, else the credentials that are already in the cluster. The session must outlive the result.
// Code::denied: the user may not read Secrets.
Result<PasswordOf> passwords_for(Session& session);

}  // namespace consort::kube

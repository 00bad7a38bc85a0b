// Before containers are looked at: services and models that programs outside provide.
#pragma once

#include "project/exec/session.hpp"

namespace consort::project {

// Asks the providers of the session's selected services and prepares the models that these use; what they set is in
// session.provided then. Without either nothing is done. With --dry-run it is only said, and nothing is known.
Result<> ask_providers(Session& session, const RunDetail& detail);

}  // namespace consort::project

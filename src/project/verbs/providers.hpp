// Before containers are looked at: services and models that programs outside provide.
#pragma once

#include <set>
#include <string>

#include "project/exec/session.hpp"

namespace consort::project {

// Asks the providers of the session's selected services and prepares the models that these use; what they set is in
// session.provided then. Without either nothing is done. With --dry-run it is only said, and nothing is known.
Result<> ask_providers(Session& session, const RunDetail& detail);
// Only what these services get variables of.
Result<> ask_providers_of(Session& session, const std::set<std::string>& services, const RunDetail& detail);

}  // namespace consort::project

// Runs providers of services and prepares models before containers are compared.
#pragma once

#include <set>
#include <string>

#include "project/exec/session.hpp"

namespace consort::project {

// Queries the providers of the session's selected services and prepares the models that these use; the resulting
// variables are in session.provided. Does nothing without either. With --dry-run it is only reported, and no variables
// are known.
Result<> ask_providers(Session& session, const RunDetail& detail);
// Only those that these services get variables from.
Result<> ask_providers_of(Session& session, const std::set<std::string>& services, const RunDetail& detail);

}  // namespace consort::project

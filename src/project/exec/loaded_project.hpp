// The project of a session whose command is not given without a file.
#pragma once

#include "project/exec/session.hpp"

namespace consort::project {

// Whoever opened the session has seen to it that there is one (Need::file, or a look); a session that is known by its
// labels only ends the program here, as an assertion that failed would.
compose::Project& loaded_project(Session& session);
const compose::Project& loaded_project(const Session& session);

}  // namespace consort::project

// The project of a session whose command requires a file.
#pragma once

#include "project/exec/session.hpp"

namespace consort::project {

// The code that opened the session has made sure that there is a project (Need::file, or a check). If it is known only
// by its labels, this terminates the program, as a failed assertion would.
compose::Project& loaded_project(Session& session);
const compose::Project& loaded_project(const Session& session);

}  // namespace consort::project

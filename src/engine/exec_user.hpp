// Checks the user of an exec before anything is started.
#pragma once

#include <string>

#include "engine/engine.hpp"

namespace consort::engine {

// Looks up the user for an exec ("name[:group]", or numbers) in a running container's own files. Code::not_found about
// Subject::user: the user does not exist there, and the exec would fail.
Result<> check_exec_user(const ContainerDetails& container, const std::string& user);

}  // namespace consort::engine

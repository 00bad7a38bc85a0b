// Checks the user of an exec before anything is started.
#pragma once

#include <string>

#include "engine/engine.hpp"

namespace consort::engine {

// Whether a running container's own files know the user for an exec ("name[:group]", or numbers). Code::not_found about
// Subject::user: they do not, and the exec would fail.
Result<> check_exec_user(const ContainerDetails& container, const std::string& user);

}  // namespace consort::engine

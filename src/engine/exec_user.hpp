#pragma once

#include <string>

#include "engine/engine.hpp"

namespace consort::engine {

// Whether a running container's own files know the user that a process of exec is to have ("name[:group]", numbers).
// Code::not_found about Subject::user: they do not, and an exec would fail.
Result<> check_exec_user(const ContainerDetails& container, const std::string& user);

}  // namespace consort::engine

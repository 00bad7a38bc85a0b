// Whether a project's supervisor can be expected to do anything.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/roots.hpp"

namespace consort::supervisor {

// Code::busy, which names the process: somebody has stopped (SIGSTOP) the supervisor, which acts, or its keeper, which
// tells it how containers end. nullopt: neither is stopped now, or there is none. Never waits for an answer.
std::optional<Error> who_is_stopped(const Roots& roots, const std::string& project);

}  // namespace consort::supervisor

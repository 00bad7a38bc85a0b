// What of the context the instructions of a build take. BuildKit's client sends nothing else to its daemon, so that a
// directory that is there but that nothing takes is missing for it.
#pragma once

#include <string>

#include "build/solve/stage_run.hpp"

namespace consort::build {

// A pattern of the context that matches nothing is fine in a directory that was sent, and an error in any other.
Result<> check_sent(const Shared& shared, const std::string& pattern);

}  // namespace consort::build

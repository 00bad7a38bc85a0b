// Which parts of the context the instructions of a build use. BuildKit's client sends only those to its daemon, so that
// an existing directory that no instruction uses is missing there.
#pragma once

#include <string>

#include "build/solve/stage_run.hpp"

namespace consort::build {

// A context pattern without matches is allowed in a directory that BuildKit would have sent, and an error in any other.
Result<> check_sent(const Shared& shared, const std::string& pattern);

}  // namespace consort::build

// What an ignore file keeps out of a build's context.
#pragma once

#include <string>

#include "build/context/pattern.hpp"

namespace consort::build {

// DOCKERFILE.dockerignore, or else the directory's .dockerignore. dockerfile: its path, or "" without one. No such
// file: nothing is ignored. Code::invalid with a mark for a faulty pattern.
Result<PatternList> load_ignore(const std::string& folder, const std::string& dockerfile);

}  // namespace consort::build

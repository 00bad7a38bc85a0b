// Loads the ignore file of a build context.
#pragma once

#include <string>

#include "build/context/pattern.hpp"

namespace consort::build {

// DOCKERFILE.dockerignore, or else the directory's .dockerignore. dockerfile: its path, or "" if there is none. Without
// an ignore file, nothing is ignored. Code::invalid with a mark for a malformed pattern.
Result<PatternList> load_ignore(const std::string& directory, const std::string& dockerfile);

}  // namespace consort::build

// Loads the Dockerfile, the context and its ignore file.
#pragma once

#include <optional>
#include <string>

#include "build/build.hpp"
#include "build/context/tree.hpp"
#include "build/dockerfile/ast.hpp"
#include "build/ignore.hpp"
#include "build/solve/progress.hpp"

namespace consort::build {

struct Definition {
  Dockerfile dockerfile;
  std::string context;  // an existing directory; empty: none
  PatternList ignore;
};

// The name of the file in messages is its path as given.
Result<Definition> load_definition(const BuildRequest& request, ProgressLog& log);

// The tree of a context, with its index of file digests in the data root.
Result<SourceTree> open_context(const std::string& directory, PatternList ignore, const Roots& roots);

}  // namespace consort::build

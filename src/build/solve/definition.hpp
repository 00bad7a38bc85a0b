// The Dockerfile, the context and its ignore file: where they are and what they say.
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
  std::string context;  // an existing directory; empty: there is none
  PatternList ignore;
};

// The file's text; its name in messages is the path as given.
Result<Definition> load_definition(const BuildRequest& request, ProgressLog& log);

// The tree of a context, with its index of digests in the data root.
Result<SourceTree> open_context(const std::string& folder, PatternList ignore, const Roots& roots);

}  // namespace consort::build

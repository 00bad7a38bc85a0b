// One directory has several paths when there are links, and a project that is named after its directory then several
// names. Docker Compose takes the path's name by which it was called; so do we, unless the project is there already
// under the name of another path.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "compose/compose.hpp"
#include "engine/engine.hpp"

namespace consort::cli {

// Where the command was started, as its user sees it: $PWD where that is a path of this directory.
Result<std::string> started_in();

// Whether the project's name is that of its directory.
bool is_named_after_directory(const compose::Project& project);

struct SamePlace {
  std::string project;
  std::string directory;        // the path by which it was made
  bool after_directory = true;  // its name is that path's, too
};
// Another project with containers that were made in this project's directory. None where this one has containers.
Result<std::optional<SamePlace>> find_same_place(engine::Engine& engine, const compose::Project& project);

}  // namespace consort::cli

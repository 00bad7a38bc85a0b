// A directory can have several paths because of symbolic links, so a project named after its directory can have several
// names. Docker Compose uses the name in the path as given; we do too, unless the project already exists under the name
// from another path.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "compose/compose.hpp"
#include "engine/engine.hpp"

namespace consort::cli {

// The current directory as the user sees it: $PWD if that is a path of this directory.
Result<std::string> started_in();

// Whether the project has the name of its directory.
bool is_named_after_directory(const compose::Project& project);

struct SamePlace {
  std::string project;
  std::string directory;        // the path under which it was created
  bool after_directory = true;  // its name comes from that path
};
// Another project whose containers were created in this project's directory. nullopt if this project has containers.
Result<std::optional<SamePlace>> find_same_place(engine::Engine& engine, const compose::Project& project);

}  // namespace consort::cli

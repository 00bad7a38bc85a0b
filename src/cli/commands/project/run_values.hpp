// The short forms that `run -v` and `run -p` take.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "compose/model.hpp"
#include "engine/types.hpp"

namespace consort::cli {

// "[SOURCE:]TARGET[:ro]": a path of the host counts from `directory`; a name is a volume of the file, or of that name.
Result<engine::MountSpec> parse_mount(const std::string& text, const std::string& directory,
                                      const compose::Project& project);
// "[[IP:]HOST:]CONTAINER[/PROTOCOL]", with ranges of equal length.
Result<std::vector<engine::PortBinding>> parse_publish(const std::string& text);

// The lines of --env-file and the like, without comments and empty ones, before the entries, so that these win.
Result<std::vector<std::string>> with_lines_of(const std::vector<std::string>& files,
                                               const std::vector<std::string>& entries);

}  // namespace consort::cli

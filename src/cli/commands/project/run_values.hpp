// The short syntax of `run -v` and `run -p`.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "compose/model.hpp"
#include "engine/types.hpp"

namespace consort::cli {

// "[SOURCE:]TARGET[:ro]": a host path is relative to `directory`; a name is a volume of the file, or any other volume.
Result<engine::MountSpec> parse_mount(const std::string& text, const std::string& directory,
                                      const compose::Project& project);
// "[[IP:]HOST:]CONTAINER[/PROTOCOL]", with ranges of equal length.
Result<std::vector<engine::PortBinding>> parse_publish(const std::string& text);

// The lines of the files of --env-file or a similar flag, without comments and blank lines, followed by the entries, so
// that these take precedence.
Result<std::vector<std::string>> with_lines_of(const std::vector<std::string>& files,
                                               const std::vector<std::string>& entries);

}  // namespace consort::cli

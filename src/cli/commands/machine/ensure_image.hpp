#pragma once

#include <string>

#include "cli/args/flags.hpp"
#include "cli/workspace.hpp"

namespace consort::cli {

// An image on this machine: pulled if it is not there, or as --pull and --platform say.
Result<> ensure_image(Workspace& workspace, const ParsedFlags& flags, const std::string& image);

}  // namespace consort::cli

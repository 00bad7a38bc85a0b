// Pushes the images of a project's services: for `push`, `build --push` and `publish`.
#pragma once

#include "cli/workspace.hpp"

namespace consort::cli {

enum class PushFailures : std::uint8_t { stop, ignore };
Result<> push_services(Workspace& workspace, project::Detail detail, PushFailures failures);

}  // namespace consort::cli

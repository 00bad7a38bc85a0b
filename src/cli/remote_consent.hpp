// Compose files from registries and Git repositories: fetched to display them, used only with the user's consent.
#pragma once

#include "cli/invocation.hpp"
#include "compose/compose.hpp"
#include "project/remote/remote_files.hpp"

namespace consort::cli {

// Before files from remote sources are used: shows which they are and what they would run, and asks for confirmation,
// unless the same content was approved before or --yes is given. The answer is stored. A dry run does not ask.
Result<> agree_to_remote_files(const Invocation& invocation, const project::RemoteFiles& remote,
                               const compose::Project& project);

}  // namespace consort::cli

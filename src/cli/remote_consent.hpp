// Compose files from registries and git repositories: fetched for whoever looks, used only with the user's consent.
#pragma once

#include "cli/invocation.hpp"
#include "compose/compose.hpp"
#include "project/remote/remote_files.hpp"

namespace consort::cli {

// Before anything is made of files from elsewhere: shows which they are and what they would run, and asks, unless the
// same content was agreed to before, or --yes is given. The answer is kept. Nothing is asked of a dry run.
Result<> agree_to_remote_files(const Invocation& invocation, const project::RemoteFiles& remote,
                               const compose::Project& project);

}  // namespace consort::cli

// Handlers of docker commands that Docker Compose does not have, and of commands for registries.
#pragma once

#include <string>

#include "cli/invocation.hpp"

namespace consort::cli {

class Workspace;

Result<int> run_bridge_convert(Invocation& invocation);
Result<int> run_transformations_create(Invocation& invocation);
Result<int> run_transformations_list(Invocation& invocation);
Result<int> run_container_create(Invocation& invocation);
Result<int> run_container_diff(Invocation& invocation);
Result<int> run_container_rename(Invocation& invocation);
Result<int> run_container_update(Invocation& invocation);
Result<int> run_container_wait(Invocation& invocation);
Result<int> run_container_run(Invocation& invocation);
Result<int> run_generate(Invocation& invocation);
Result<int> run_inspect(Invocation& invocation);
Result<int> run_publish(Invocation& invocation);

// Ensures that an image is on this machine: pulls it if it is missing, or as --pull and --platform require.
Result<> ensure_image(Workspace& workspace, const ParsedFlags& flags, const std::string& image);

}  // namespace consort::cli

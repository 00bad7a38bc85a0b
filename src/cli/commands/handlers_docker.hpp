// Commands of docker that Compose has not, and what goes to a registry.
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

// An image on this machine: pulled if it is not there, or as --pull and --platform say.
Result<> ensure_image(Workspace& workspace, const ParsedFlags& flags, const std::string& image);

}  // namespace consort::cli

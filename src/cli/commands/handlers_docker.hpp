// Commands of docker that Compose has not, and what goes to a registry.
#pragma once

#include "cli/invocation.hpp"

namespace consort::cli {

Result<int> run_container_create(Invocation& invocation);
Result<int> run_container_run(Invocation& invocation);
Result<int> run_inspect(Invocation& invocation);
Result<int> run_publish(Invocation& invocation);

}  // namespace consort::cli

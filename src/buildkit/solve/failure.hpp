// Error details that a client shows for a failed build in addition to the message: the position in the Dockerfile.
#pragma once

#include <string>

#include "buildkit/rpc/status.hpp"
#include "engine/builds.hpp"

namespace consort::buildkit {

// A serialized google.rpc.Status.
std::string failure_details(const RpcStatus& status, const build::StepFailure& failure);

// The answer to `docker build --check`: "result.json", "result.txt" and so on.
std::map<std::string, std::string> lint_result(const build::BuildResult& result, const std::string& file);

}  // namespace consort::buildkit

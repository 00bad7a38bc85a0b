// What a client shows of a failed build besides the error's text: its place in the Dockerfile.
#pragma once

#include <string>

#include "buildkit/rpc/status.hpp"
#include "engine/builds.hpp"

namespace consort::buildkit {

// A serialised google.rpc.Status.
std::string failure_details(const RpcStatus& status, const build::StepFailure& failure);

// The answer to `docker build --check`: "result.json", "result.txt" and the like.
std::map<std::string, std::string> lint_result(const build::BuildResult& result, const std::string& file);

}  // namespace consort::buildkit

// Converts the attributes of the Dockerfile frontend, which clients send with a Solve, to the builder's options.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "engine/builds.hpp"

namespace consort::buildkit {

using Attributes = std::map<std::string, std::string>;

struct LocalContext {
  std::string name;       // as the Dockerfile refers to it
  std::string directory;  // name of the client's directory
};
struct BuiltContext {
  std::string name;
  std::string input;  // key in the request's inputs
};

struct SolvePlan {
  // Without context, Dockerfile, tags, and the contexts below, which only the client's session can provide.
  build::BuildRequest request;
  std::string filename = "Dockerfile";
  std::string dockerfile_directory = "dockerfile", context_directory = "context";  // names of the client's directories
  std::string remote_context;  // a git or HTTP URL; empty: the client's directory
  std::vector<LocalContext> local_contexts;
  std::vector<BuiltContext> built_contexts;
  std::map<std::string, std::string> sessions;  // by directory: IDs of sessions other than the build's
  std::string subrequest;                       // "frontend.lint"; empty: a build
};

// Attributes that do not concern the builder (attestations, VCS information, ...) are ignored. Code::invalid or
// Code::unsupported names the attribute.
Result<SolvePlan> read_attributes(const Attributes& attributes);

}  // namespace consort::buildkit

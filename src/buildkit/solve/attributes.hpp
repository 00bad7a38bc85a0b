// The Dockerfile frontend's attributes, as clients send them with a Solve, in our builder's words.
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
  std::string name;    // of the context in the Dockerfile
  std::string folder;  // of the client's
};
struct BuiltContext {
  std::string name;
  std::string input;  // key in the request's inputs
};

struct SolvePlan {
  // Without context, Dockerfile, tags, and the contexts below, which only the client's session has.
  build::BuildRequest request;
  std::string filename = "Dockerfile";
  std::string dockerfile_folder = "dockerfile", context_folder = "context";  // the client's directories
  std::string remote_context;  // a git or HTTP URL; empty: the client's directory
  std::vector<LocalContext> local_contexts;
  std::vector<BuiltContext> built_contexts;
  std::map<std::string, std::string> sessions;  // of directories that another session than the build's has
  std::string subrequest;                       // "frontend.lint"; empty: a build
};

// What the builder has no part in (attestations, version control facts, ...) is passed over. Code::invalid or
// unsupported names the attribute.
Result<SolvePlan> read_attributes(const Attributes& attributes);

}  // namespace consort::buildkit

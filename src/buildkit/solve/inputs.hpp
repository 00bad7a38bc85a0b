// Sources of a build other than the client's directories: results of other builds, and uploaded archives.
#pragma once

#include <string>

#include "base/error.hpp"
#include "bridge.pb.h"
#include "buildkit/solve/attributes.hpp"
#include "common.pb.h"
#include "control.pb.h"

namespace consort::buildkit {

// The result of another build, identified by that build's reference and the result's ID. Clients see it as a graph of
// operations with a single source, which they send back unchanged.
struct BuiltReference {
  std::string job;
  std::string result;
};
wire::Definition definition_of(const BuiltReference& reference);
// Code::unsupported: any other graph.
Result<BuiltReference> built_reference(const wire::Definition& definition);

// The ID of the result that a client returns over the bridge; empty: none.
std::string result_of(const wire::BridgeResult& result);
// Whether it is the Dockerfile frontend: the built-in one, or the image under which it is published.
bool is_dockerfile_frontend(const std::string& frontend, const Attributes& attributes);

// Converts cache entries of a request to the syntax of cache_from and cache_to. Code::unsupported: caches on the
// client's machine.
Result<std::vector<std::string>> cache_specs(const std::vector<wire::CacheEntry>& entries);

// An exporter that keeps the image without giving it a name.
wire::Exporter image_exporter();

// Handles the standard input of `docker build -`: an archive, which is extracted into `directory`, or the text of a
// Dockerfile, which is stored in the plan. Returns the context's directory.
Result<std::string> unpack_upload(const std::string& file, const std::string& directory, SolvePlan& plan);

}  // namespace consort::buildkit

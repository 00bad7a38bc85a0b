// Where a build's files come from, besides the client's directories: results of other builds, uploaded archives.
#pragma once

#include <string>

#include "base/error.hpp"
#include "bridge.pb.h"
#include "buildkit/solve/attributes.hpp"
#include "common.pb.h"
#include "control.pb.h"

namespace consort::buildkit {

// A result of another build, by its reference and the result's id there. To the client it is a graph of operations like
// any other, with one source, which it gives back as it came.
struct BuiltReference {
  std::string job;
  std::string result;
};
wire::Definition definition_of(const BuiltReference& reference);
// Code::unsupported: another graph.
Result<BuiltReference> built_reference(const wire::Definition& definition);

// The id of what a client gives back at the bridge; empty: nothing.
std::string result_of(const wire::BridgeResult& result);
// The Dockerfile's own, by whatever name: built in, or as the image that others fetch it by.
bool is_dockerfile_frontend(const std::string& frontend, const Attributes& attributes);

// Entries of a request in the words of cache_from and cache_to. Code::unsupported: what lies with the client.
Result<std::vector<std::string>> cache_specs(const std::vector<wire::CacheEntry>& entries);

// That the image is to be kept, without a name.
wire::Exporter image_exporter();

// What came on the standard input of `docker build -`: an archive, unpacked into `folder`, or the text of a Dockerfile,
// which becomes the plan's. Gives the context's directory.
Result<std::string> unpack_upload(const std::string& file, const std::string& folder, SolvePlan& plan);

}  // namespace consort::buildkit

// Remote contexts, and directories and OCI layouts that a stage starts from (FROM a named context).
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "build/build.hpp"
#include "build/cache/cache.hpp"
#include "build/exec/stage_files.hpp"
#include "image/config.hpp"
#include "image/platform.hpp"
#include "image/store.hpp"

namespace consort::build {

bool is_remote_context(std::string_view context);

// Fetches a context from a git or HTTP URL into `directory`. file: the URL was neither a repository nor an archive but
// a single file, a Dockerfile.
struct FetchedContext {
  std::string directory;
  std::string file;  // its path; empty: the context is a directory
};
Result<FetchedContext> fetch_context(const std::string& url, const std::string& directory, int cancel_fd);

// Turns the directory's files, except those excluded by its own ignore file, into a layer; all files belong to 0:0, as
// in a build context. The same content gives the same layer again.
struct DirectoryLayer {
  std::string id, directory;
  std::string identity;  // identity of the content
};
Result<DirectoryLayer> layer_of_directory(const std::string& directory, BuildEnvironment& environment, Cache& cache);

// The image in an OCI layout: its layers are copied into the store, where the build cache references them.
struct LayoutImage {
  image::ImageConfig config;
  std::vector<image::LayerInfo> layers;  // base first
};
// url: oci-layout://DIR[:TAG|@DIGEST]; directory: base of a relative DIR.
Result<LayoutImage> image_of_layout(const std::string& url, const std::string& directory,
                                    const image::Platform& platform, image::Store& store,
                                    const std::stop_token& cancel);

}  // namespace consort::build

// Directories that are not the machine's own: contexts from elsewhere, and directories that a build begins with (FROM a
// named context).
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

// Brings a context from a git or HTTP URL into folder. file: it was neither a repository nor an archive, but one file,
// a Dockerfile.
struct FetchedContext {
  std::string folder;
  std::string file;  // its path; empty: a directory
};
Result<FetchedContext> fetch_context(const std::string& url, const std::string& folder, int cancel_fd);

// The directory's files as a layer, less what its own ignore file leaves out; all belong to 0:0, as files of a context
// do. The same content gives the same layer again.
struct FolderLayer {
  std::string id, folder;
  std::string identity;  // of the content
};
Result<FolderLayer> layer_of_folder(const std::string& folder, BuildEnvironment& environment, Cache& cache);

// The image in an OCI layout: its layers come into the store, where the build cache holds them.
struct LayoutImage {
  image::ImageConfig config;
  std::vector<image::LayerInfo> layers;  // base first
};
// url: oci-layout://DIR[:TAG|@DIGEST]; directory: what a relative DIR counts from.
Result<LayoutImage> image_of_layout(const std::string& url, const std::string& directory,
                                    const image::Platform& platform, image::Store& store,
                                    const std::stop_token& cancel);

}  // namespace consort::build

// Compose files that are not on this machine: published projects ("oci://") and git repositories. What is read from
// there is kept below the user's cache by what it is (a digest, a commit), so that it is fetched once, and so that a
// file that the user has agreed to is the file that is used the next time.
//
//   CACHE/oci/DIGEST/NAME/compose.yaml    CACHE/git/COMMIT-REMOTE/NAME/...    CACHE/sources/SOURCE: what it was last
//   CACHE/oci/DIGEST/approved             CACHE/git/COMMIT-REMOTE/approved
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "engine/documents.hpp"

namespace consort::project {

struct RemoteFile {
  std::string source;    // as it is written
  std::string identity;  // "sha256:..." of the artifact's manifest, or the commit
  std::string folder;    // of this identity in the cache
  std::string path;      // of the Compose file
  bool approved = false;
};

class RemoteFiles {
 public:
  struct Options {
    std::string cache;  // made when needed, private
    image::RegistryOptions registry;
    int cancel_fd = -1;
    std::function<void(const std::string&)> warn;
  };
  explicit RemoteFiles(Options options) : options_(std::move(options)) {}

  // The path of the Compose file; each source is looked up once. A tag or branch is asked for again; where that cannot
  // be done now, what it was the last time is used, with a warning.
  Result<std::string> fetch(const std::string& source);

  std::vector<RemoteFile> used() const;
  // From now on, these may be used without a question.
  static Result<> approve(const RemoteFile& file);

 private:
  struct Found {
    std::string identity;
    std::string folder;
    std::string path;  // relative to the directory
  };
  Result<Found> look_up(const std::string& source);
  Result<Found> from_registry(const std::string& source);
  Result<Found> from_git(const std::string& source);
  Result<> keep(const std::string& source, const Found& found) const;
  Result<Found> kept(const std::string& source) const;

  Options options_;
  std::map<std::string, RemoteFile> files_;
};

// $XDG_CACHE_HOME/consort, ~/.cache/consort; without either below the data root.
Result<std::string> remote_cache();

}  // namespace consort::project

// Remote Compose files: published projects ("oci://") and git repositories. They are cached in the user's cache
// directory by identity (digest or commit), so that each is fetched once, and so that a file that the user has approved
// is the file that is used next time.
//
//   CACHE/oci/DIGEST/NAME/compose.yaml    CACHE/git/COMMIT-REMOTE/NAME/...    CACHE/sources/SOURCE: last identity
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
  std::string source;     // as written in the command or file
  std::string identity;   // "sha256:..." of the artifact's manifest, or the commit
  std::string directory;  // the cache directory of this identity
  std::string path;       // the Compose file's
  bool approved = false;
};

class RemoteFiles {
 public:
  struct Options {
    std::string cache;  // created when needed, private
    image::RegistryOptions registry;
    int cancel_fd = -1;
    std::function<void(const std::string&)> warn;
  };
  explicit RemoteFiles(Options options) : options_(std::move(options)) {}

  // The path of the Compose file; each source is looked up once. Tags and branches are resolved again; if that is
  // impossible now, the last result is used, with a warning.
  Result<std::string> fetch(const std::string& source);

  std::vector<RemoteFile> used() const;
  // From now on, these may be used without asking.
  static Result<> approve(const RemoteFile& file);

 private:
  struct Found {
    std::string identity;
    std::string directory;
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

// $XDG_CACHE_HOME/consort or ~/.cache/consort; without either, below the data root.
Result<std::string> remote_cache();

}  // namespace consort::project

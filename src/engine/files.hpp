// Operations on files in containers, in addition to copying: Engine::files().
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "engine/engine.hpp"

namespace consort::engine {

// Makes the given files below `target` in a container match those below `root` on the host; those missing there are
// removed.
struct Mirror {
  std::string root;    // a directory; symbolic links in it must not lead out of it
  std::string target;  // absolute, normalized; created if missing
  struct File {
    std::string path;  // below root, normalized; a directory means only itself, not its contents
    std::string as;    // below target; "" is the target itself
  };
  std::vector<File> files;
};

struct Mirrored {
  std::size_t copied = 0, removed = 0;  // number of entries in Mirror::files
};

// One path of a container; symbolic links are not followed.
struct PathStat {
  std::string name;  // its last component
  std::uint64_t size = 0;
  std::uint32_t mode = 0;  // st_mode
  SystemTime modified{};
  std::string link_target;  // target of a symbolic link, as a path in the container
};

// A difference between a container's file system and its image.
struct PathChange {
  enum class Kind : std::uint8_t { changed, added, removed } kind = Kind::changed;
  std::string path;  // absolute
};

// Where a container's own files are on the host, as `inspect` shows them.
struct HostPaths {
  std::string resolv_conf, hostname, hosts;
  std::string upper, work;  // of its overlay
};

// A handle, cheap to make and to copy. The engine must outlive it. Any thread.
class Files {
 public:
  explicit Files(Engine::Impl& impl) : impl_(&impl) {}

  // Code::not_found: "Could not find the file X in container Y".
  Result<PathStat> stat(const std::string& container, const std::string& path);
  // Like Engine::copy_out(), but names in the archive begin with `as`, which may be "." for a directory.
  Result<> pack_path(const std::string& container, const std::string& path, const std::string& as, int out);
  Result<std::vector<PathChange>> changes(const std::string& container);  // sorted by path

  // Applies to all these containers, running or not; a failure in one does not affect the others. Owners, modes and
  // times are the host's. Never touches anything outside a container's root, whatever links it contains.
  Result<Mirrored> mirror(const Mirror& what, const std::vector<std::string>& containers);

  // By the whole id of a container.
  HostPaths host_paths(const std::string& id) const;
  // Bytes that its files take up, without those of its image and its volumes.
  std::uint64_t own_bytes(const std::string& id) const;
  // A text that a front end keeps with the container, and nothing else needs. Code::not_found: there is none.
  Result<std::string> note(const std::string& id) const;
  Result<> keep_note(const std::string& id, const std::string& text);

 private:
  Engine::Impl* impl_;
};

}  // namespace consort::engine

// Files in containers, beyond copying them: Engine::files().
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "engine/engine.hpp"

namespace consort::engine {

// What is below `root` on the host is to be below `target` in the container, and what is not there is to be gone.
struct Mirror {
  std::string root;    // a directory; no link in it leads out of it
  std::string target;  // absolute, clean; made where it is missing
  struct File {
    std::string path;  // below root, clean; a directory stands for itself alone
    std::string as;    // below target; "" is the target itself
  };
  std::vector<File> files;
};

struct Mirrored {
  std::size_t copied = 0, removed = 0;  // of Mirror::files
};

// One path of a container, links not followed.
struct PathStat {
  std::string name;  // its last part
  std::uint64_t size = 0;
  std::uint32_t mode = 0;  // st_mode
  SystemTime modified{};
  std::string link_target;  // of a link: what it names, as a path of the container
};

// What a container has changed of its image.
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
  // As Engine::copy_out(), with names that begin with `as`; of a directory it may be ".".
  Result<> pack_path(const std::string& container, const std::string& path, const std::string& as, int out);
  Result<std::vector<PathChange>> changes(const std::string& container);  // by path

  // In all the containers, running or not; what cannot be done in one is still done in the others. Owners, modes and
  // times are the host's. Nothing outside the container's root is touched, whatever links there are in it.
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

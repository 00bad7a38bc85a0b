// Files of the host that are kept the same in containers: Engine::files().
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "engine/engine.hpp"

namespace consort::engine {

// What is below `root` on the host is to be below `target` in the container, and what is not there is to be gone.
struct Mirror {
  std::string root;    // a folder; no link in it leads out of it
  std::string target;  // absolute, clean; made where it is missing
  struct File {
    std::string path;  // below root, clean; a folder stands for itself alone
    std::string as;    // below target; "" is the target itself
  };
  std::vector<File> files;
};

struct Mirrored {
  std::size_t copied = 0, removed = 0;  // of Mirror::files
};

// A handle, cheap to make and to copy. The engine must outlive it. Any thread.
class Files {
 public:
  explicit Files(Engine::Impl& impl) : impl_(&impl) {}

  // In all the containers, running or not; what cannot be done in one is still done in the others. Owners, modes and
  // times are the host's. Nothing outside the container's root is touched, whatever links there are in it.
  Result<Mirrored> mirror(const Mirror& what, const std::vector<std::string>& containers);

 private:
  Engine::Impl* impl_;
};

}  // namespace consort::engine

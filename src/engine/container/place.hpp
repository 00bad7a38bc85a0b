// Where a path of a container is to be found from outside.
#pragma once

#include <string>

#include "base/os/fd.hpp"
#include "engine/engine_impl.hpp"

namespace consort::engine {

struct Place {
  Fd root;
  std::string path;  // in root, absolute
  bool read_only = false;
  std::uint32_t first_owner = 0;  // what number the container's root has in what is seen of it here
};

// A running container is seen through /proc/PID/root, with all its mounts. Of a stopped one the layers are mounted for
// the moment, and what it would have mounted is looked up in its record.
Result<Place> find_place(Engine::Impl& impl, const std::string& id, const std::string& text);

}  // namespace consort::engine

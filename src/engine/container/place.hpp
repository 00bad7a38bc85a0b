// Locates a path of a container for access from outside.
#pragma once

#include <string>

#include "base/os/fd.hpp"
#include "engine/engine_impl.hpp"

namespace consort::engine {

struct Place {
  Fd root;
  std::string path;  // absolute, within root
  bool read_only = false;
  std::uint32_t first_owner = 0;  // user ID of the container's root on the files seen here
};

// A running container is accessed through /proc/PID/root, with all its mounts. For a stopped one, the layers are
// mounted temporarily and its volumes and bind mounts are looked up in its record.
Result<Place> find_place(Engine::Impl& impl, const std::string& id, const std::string& text);

}  // namespace consort::engine

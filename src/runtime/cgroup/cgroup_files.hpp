// The state of a Cgroup, and functions that read its files.
#pragma once

#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/cgroup/cgroup_hierarchy.hpp"

namespace consort::runtime {

struct Cgroup::Impl {
  struct Part {
    const internal::Hierarchy* hierarchy;
    std::string directory;
  };
  std::string path;
  std::vector<Part> parts;
  Fd claim;  // of a cgroup under construction: keeps sweeps from removing it while it is empty

  const Part* part_with(std::string_view controller) const {
    for (const Part& part : parts)
      if (part.hierarchy->has(controller)) return &part;
    return nullptr;
  }
  const Part* unified() const {
    for (const Part& part : parts)
      if (part.hierarchy->unified) return &part;
    return nullptr;
  }
};

namespace internal {

std::string read_value(const std::string& path);                           // "" if it cannot be read
std::uint64_t keyed_value(const std::string& text, std::string_view key);  // "key value" lines; 0 if missing
std::uint64_t plain_value(const std::string& path);                        // "max" gives 0, for none

}  // namespace internal

}  // namespace consort::runtime

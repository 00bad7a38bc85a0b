// What a Cgroup holds, and small readers and writers of its files.
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

std::string read_value(const std::string& path);                           // "" when it cannot be read
std::uint64_t keyed_value(const std::string& text, std::string_view key);  // "key value" lines; 0 when absent
std::uint64_t plain_value(const std::string& path);                        // "max" is 0: none
Result<> write_value(const std::string& path, const std::string& text);
std::vector<std::string> groups_below(const std::string& directory);  // their directories

// What the kernel does in its own time is looked for this often, with such a pause in between: two seconds.
inline constexpr int patience_steps = 400;
void pause_briefly();  // 5 ms

}  // namespace internal

}  // namespace consort::runtime

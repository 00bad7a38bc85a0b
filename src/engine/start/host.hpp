// What this machine supports, as far as a container's limits and security options depend on it. Read once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::engine {

struct HostInfo {
  unsigned cpus = 1;
  std::string cpuset;        // "0-1": the available CPUs
  std::string memory_nodes;  // "0"
  bool cgroup_v2 = false;
  bool swap_accounting = true;
  bool apparmor = false;
  bool selinux = false;
};

HostInfo read_host();

// "0-2,5" becomes {0,1,2,5}; nullopt for anything else.
std::optional<std::vector<unsigned>> parse_cpu_list(std::string_view text);

}  // namespace consort::engine

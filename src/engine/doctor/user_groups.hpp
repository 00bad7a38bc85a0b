// Cgroups of a user who is root only in a namespace: systemd delegates them on request, and this asks for them as `up`
// does.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/doctor.hpp"
#include "runtime/cgroup.hpp"

namespace consort::engine {

inline constexpr std::string_view control_groups_cost = "limits for memory, CPUs and processes, `pause` and `stats`";

struct UserGroups {
  runtime::CgroupVersion version = runtime::CgroupVersion::none;
  std::optional<Error> refused;          // by systemd or the kernel
  bool given = false;                    // a cgroup could be created below the one that systemd delegated
  std::vector<std::string> controllers;  // controllers that can be used there
};

UserGroups ask_for_user_groups();
Finding finding_of(const UserGroups& groups);

}  // namespace consort::engine

// Cgroups of a user who is root only in a namespace: systemd hands them down, and is asked for them as `up` does.
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
  std::optional<Error> refused;          // by systemd, or by the kernel
  bool given = false;                    // a group could be made in what systemd handed down
  std::vector<std::string> controllers;  // that it may limit
};

UserGroups ask_for_user_groups();
Finding finding_of(const UserGroups& groups);

}  // namespace consort::engine

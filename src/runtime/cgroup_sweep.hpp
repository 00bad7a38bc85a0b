// Removes cgroups that were created for a process that never started, because their creator died.
#pragma once

#include <functional>
#include <string>

namespace consort::runtime {

// Removes the cgroups of containers and build steps below `parent` ("/consort") that have no process and are not being
// set up, unless `belongs` says that somebody manages them. Costs one directory listing if there are none.
void sweep_cgroups(const std::string& parent, const std::function<bool(const std::string& name)>& belongs);

// Whether cgroups can be created at all. A non-root user can do so only in those that systemd has delegated to that
// user.
bool may_make_cgroups();

}  // namespace consort::runtime

// Cgroups that were made for a process which never came, because its maker died.
#pragma once

#include <functional>
#include <string>

namespace consort::runtime {

// Removes the groups of containers and build steps below `parent` ("/consort") that have no process and that nobody is
// just setting up, except for those that belong to somebody who looks after them. One listing where there is nothing.
void sweep_cgroups(const std::string& parent, const std::function<bool(const std::string& name)>& belongs);

// Whether groups can be made at all. A non-root user may do so only in what systemd has given to that user.
bool may_make_cgroups();

}  // namespace consort::runtime

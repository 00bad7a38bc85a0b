#include "engine/doctor/user_groups.hpp"

#include <algorithm>
#include <utility>

#include "base/os/fd.hpp"
#include "base/os/processes/process.hpp"
#include "base/strings.hpp"
#include "runtime/handed_down.hpp"
#include "supervisor/scope.hpp"

namespace consort::engine {

namespace {

using Standing = Finding::Standing;

// The controllers that limits in Compose files need.
constexpr std::string_view wanted[] = {"cpu", "cpuset", "io", "memory", "pids"};

Result<> ask(UserGroups& groups) {
  Pipe held = TRY(make_pipe());
  SpawnOptions options;
  options.argv = {"cat"};  // ends with us, however we end
  options.in = held.read.get();
  ChildGuard child = TRY(spawn(options));
  TRY(supervisor::enter_scope("doctor", child.pid()));
  if (const std::string group = runtime::delegated_group_of(child.pid()); !group.empty()) {
    std::vector<std::string> warnings;
    const runtime::Cgroup made = TRY(runtime::Cgroup::create(group + "/doctor", {}, warnings));
    groups.controllers = runtime::controllers_of(made.path());
    groups.given = true;
    (void)made.remove();
  }
  held.write.reset();
  TRY(child.wait());
  return {};
}

}  // namespace

UserGroups ask_for_user_groups() {
  UserGroups groups;
  groups.version = runtime::cgroup_version();
  if (Result<> asked = ask(groups); !asked) groups.refused = std::move(asked).error();
  return groups;
}

Finding finding_of(const UserGroups& groups) {
  Finding finding{"cgroup", Standing::missing, "", std::string(control_groups_cost), "run with sudo"};
  if (groups.version != runtime::CgroupVersion::v2) {
    finding.found = "this machine uses cgroup v1, which cannot be delegated to users";
    finding.command += ", or boot a machine that runs systemd with `systemd.unified_cgroup_hierarchy=1`";
    return finding;
  }
  if (groups.refused) {
    finding.found = groups.refused->message();
    finding.command = "sudo apt-get install dbus-user-session, and log in again";
    return finding;
  }
  if (!groups.given) {
    finding.found = "there is no systemd to delegate control groups to users";
    return finding;
  }
  std::vector<std::string> missing;
  for (const std::string_view controller : wanted)
    if (std::ranges::find(groups.controllers, controller) == groups.controllers.end()) missing.emplace_back(controller);
  if (missing.empty()) return {"cgroup", Standing::good, "systemd delegates control groups to you", "", ""};
  finding.found = "systemd delegates control groups to you, but not " + join(missing, ", ");
  finding.cost = "limits of " + join(missing, ", ");
  finding.command = "sudo systemctl edit user@.service, with `[Service]` and `Delegate=" +
                    join(std::vector<std::string>(std::begin(wanted), std::end(wanted)), " ") + "`, and log in again";
  return finding;
}

}  // namespace consort::engine

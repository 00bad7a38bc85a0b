#include "engine/start/users.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/os/processes/container_users.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/settings.hpp"
#include "engine/engine_impl.hpp"
#include "runtime/defaults.hpp"
#include "runtime/overlay.hpp"

namespace consort::engine {

namespace {

// These concern the machine and are refused in any user namespace; and a file that names SYS_ADMIN wants to mount what
// only root may.
constexpr std::array of_machine{CAP_SYS_ADMIN,       CAP_SYS_MODULE,   CAP_SYS_RAWIO,  CAP_SYS_TIME,
                                CAP_SYS_NICE,        CAP_SYS_RESOURCE, CAP_SYS_BOOT,   CAP_SYS_PACCT,
                                CAP_SYS_TTY_CONFIG,  CAP_SYSLOG,       CAP_MAC_ADMIN,  CAP_MAC_OVERRIDE,
                                CAP_AUDIT_CONTROL,   CAP_AUDIT_READ,   CAP_WAKE_ALARM, CAP_BLOCK_SUSPEND,
                                CAP_LINUX_IMMUTABLE, CAP_PERFMON,      CAP_BPF,        CAP_DAC_READ_SEARCH};

// Tries it: the kernel knows best which file systems support it.
bool can_be_mapped(const std::string& path) {
  const Fd tree(::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) return true;  // it is not there; whoever mounts it says so
  const Result<int> users = container_users();
  return users && map_mount_owners(tree.get(), *users, MapSubmounts::no).has_value();
}

// Layers as a container would mount them. Checked once: neither kernel nor data root change while a command runs.
bool layers_can_be_mapped(const Roots& roots) {
  static const bool possible = [&roots] {
    runtime::OverlayRoot overlay{
        .lower = {roots.data + "/containers", roots.data + "/layers"}, .upper = {}, .work = {}};
    overlay.owners = runtime::OverlayRoot::Owners::of_container;
    return runtime::mount_detached(overlay, roots.data).has_value();
  }();
  return possible;
}

bool mounts_can_be_mapped(const std::vector<runtime::Mount>& mounts) {
  return std::ranges::all_of(
      mounts, [](const runtime::Mount& mount) { return mount.type != "bind" || can_be_mapped(mount.source); });
}

// A container whose namespace is shared, and the setting that says so.
struct Donor {
  const char* setting;
  std::string id;
};

std::vector<Donor> donors_of(const ContainerSpec& spec) {
  std::vector<Donor> donors;
  for (const auto& [setting, mode] : {std::pair("network_mode", &spec.network_mode), std::pair("pid", &spec.pid_mode),
                                      std::pair("ipc", &spec.ipc_mode)})
    if (mode->starts_with("container:")) donors.push_back({setting, mode->substr(10)});
  return donors;
}

// Whose users a container has: its own, or those of one whose namespaces it shares. "": the machine's.
Result<std::string> owner_of_users(const Engine::Impl& impl, const std::string& donor) {
  std::string id = donor;
  while (true) {
    auto unit = supervisor::read_unit(impl.container_directory(id) + "/unit.json");
    if (!unit && id != donor && unit.error().sys_errno() == ENOENT) return id;  // removed since; its users live on
    if (!unit) return fail(std::move(unit).error());
    if (!unit->own_users) return std::string();
    const bool joins = unit->network_mode == supervisor::NetworkMode::container;
    if (unit->users_of.empty() && !joins) return id;
    id = unit->users_of.empty() ? unit->network_container : unit->users_of;
  }
}

Error two_owners(const Engine::Impl& impl, const Donor& first, const Donor& second) {
  const auto name = [&](const Donor& donor) {
    const auto unit = supervisor::read_unit(impl.container_directory(donor.id) + "/unit.json");
    return std::string(donor.setting) + " is that of " + (unit ? unit->name : donor.id.substr(0, 12));
  };
  return Error(Code::conflict, "share namespaces with containers that have different users")
      .why(name(first) + ", " + name(second) + ", and with userns = \"auto\" each of them has its own users")
      .hint(
          "share them with one container, let one of those two share a namespace with the other, or set \"userns_mode: "
          "host\"")
      .about(Subject::setting, second.setting);
}

}  // namespace

std::string needs_users_of_machine(const ContainerSpec& spec, std::uint64_t capabilities) {
  if (spec.userns_mode == "host") return "userns_mode: host";
  if (spec.privileged) return "privileged";
  if (!spec.runtime.empty()) return "runtime";
  for (const auto& [name, mode] :
       {std::pair("pid", &spec.pid_mode), std::pair("ipc", &spec.ipc_mode), std::pair("uts", &spec.uts_mode),
        std::pair("cgroup", &spec.cgroup_mode), std::pair("network_mode", &spec.network_mode)})
    if (*mode == "host") return std::string(name) + ": host";
  for (const int capability : of_machine)
    if (capabilities >> capability & 1) return "cap_add: " + runtime::capability_name(capability).substr(4);
  return {};
}

// A container that shares another one's namespace also has its users: otherwise its root would have no rights over what
// it shares.
Result<ContainerUsers> Engine::Impl::choose_users(const ContainerRecord& record, std::uint64_t capabilities,
                                                  const std::vector<runtime::Mount>& mounts) const {
  ContainerUsers users;
  if (in_user_namespace() || TRY(read_settings()).users == Settings::Users::of_machine) return users;
  if (!needs_users_of_machine(record.spec, capabilities).empty()) return users;
  const std::vector<Donor> donors = donors_of(record.spec);
  std::vector<std::string> owners;
  for (const Donor& donor : donors) {
    owners.push_back(TRY(owner_of_users(*this, donor.id)));
    if (owners.back().empty()) return users;
    if (record.spec.network_mode != "container:" + donor.id) users.of = donor.id;
  }
  const auto other = std::ranges::adjacent_find(owners, std::ranges::not_equal_to());
  if (other != owners.end())
    return fail(two_owners(*this, donors[other - owners.begin()], donors[other - owners.begin() + 1]));
  users.own = layers_can_be_mapped(roots) && mounts_can_be_mapped(mounts);
  return users;
}

std::string Engine::Impl::warn_of_users(const ContainerSpec& spec) {
  const Result<Settings> settings = read_settings();  // what is wrong with them, the start says
  const bool wanted = !in_user_namespace() && settings && settings->users == Settings::Users::automatic;
  if (!wanted || !needs_users_of_machine(spec, capabilities_of(spec)).empty() || layers_can_be_mapped(roots)) return {};
  if (users_told_.test_and_set()) return {};
  return "userns is \"auto\" in the settings, but containers have the users of this machine: layers below " +
         roots.data +
         " cannot be mounted with other owners (this needs Linux 6.15, and a file system such as ext4, XFS or Btrfs)";
}

}  // namespace consort::engine

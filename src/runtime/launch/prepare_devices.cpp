// Device nodes of a container.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/os/files/file.hpp"
#include "base/os/processes/container_users.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/strings.hpp"
#include "runtime/launch/prepare.hpp"

namespace consort::runtime::internal {

namespace {

// Devices that every container has, whatever its spec says (OCI, "default devices").
struct DefaultDevice {
  const char* path;
  unsigned minor;
  unsigned major;
};
constexpr DefaultDevice default_nodes[] = {{"/dev/null", 3, 1},   {"/dev/zero", 5, 1},    {"/dev/full", 7, 1},
                                           {"/dev/random", 8, 1}, {"/dev/urandom", 9, 1}, {"/dev/tty", 0, 5}};

bool is_node(const std::string& path, const PreparedDevice& device) {
  struct stat st;
  return ::stat(path.c_str(), &st) == 0 && st.st_rdev == device.number &&
         (st.st_mode & S_IFMT) == (device.mode & S_IFMT);
}

}  // namespace

std::string node_of(const PreparedDevice& device) {
  if (is_node(device.path, device)) return device.path;
  const std::string kind = S_ISBLK(device.mode) ? "block" : "char";
  const std::string number = std::to_string(major(device.number)) + ":" + std::to_string(minor(device.number));
  const Result<std::string> facts = read_file("/sys/dev/" + kind + "/" + number + "/uevent", 4096);
  for (const std::string& line : split(facts ? *facts : std::string(), '\n'))
    if (line.starts_with("DEVNAME=") && is_node("/dev/" + line.substr(8), device)) return "/dev/" + line.substr(8);
  return device.path;
}

std::vector<PreparedDevice> devices_of(const Spec& spec) {
  std::vector<PreparedDevice> devices;
  for (const DefaultDevice& node : default_nodes)
    devices.push_back({node.path, S_IFCHR | 0666, makedev(node.major, node.minor), 0, 0});
  for (const Device& device : spec.linux_.devices) {
    const mode_t type = device.type == 'b' ? S_IFBLK : device.type == 'p' ? S_IFIFO : S_IFCHR;
    devices.push_back(
        {clean_path(device.path), type | device.mode, makedev(device.major, device.minor), device.uid, device.gid});
  }
  return devices;
}

namespace {

// Below the directory `dev`, with the host ids of the container's users.
Result<> make_node(int dev, const PreparedDevice& device) {
  const std::string path = device.path.substr(dev_prefix.size());
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string directory = path.substr(0, slash);
    if (::mkdirat(dev, directory.c_str(), 0755) != 0 && errno != EEXIST)
      return fail_errno("create directory", directory);
    if (::fchmodat(dev, directory.c_str(), 0755, 0) != 0) return fail_errno("create directory", directory);
  }
  if (::mknodat(dev, path.c_str(), device.mode, device.number) != 0 && errno != EEXIST)
    return fail_errno("create device", device.path);
  if (::fchownat(dev, path.c_str(), first_container_id + device.uid, first_container_id + device.gid,
                 AT_SYMLINK_NOFOLLOW) != 0 ||
      ::fchmodat(dev, path.c_str(), device.mode & 07777, 0) != 0)  // regardless of the umask
    return fail_errno("create device", device.path);
  return {};
}

}  // namespace

Result<> make_device_nodes(int dev, const Spec& spec) {
  const ActingAs acting = TRY(ActingAs::begin(first_container_id));
  const Fd directory = TRY(open_at(dev, ".", O_RDONLY | O_DIRECTORY));
  if (::fchown(directory.get(), first_container_id, first_container_id) != 0) return fail_errno("set owner of /dev");
  const std::vector<PreparedDevice> devices = devices_of(spec);
  for (const PreparedDevice& device : devices)
    if (device.path.starts_with(dev_prefix)) TRY(make_node(directory.get(), device));
  return {};
}

namespace {

std::optional<std::uint32_t> outside(const std::vector<IdMapping>& maps, std::uint32_t id) {
  for (const IdMapping& map : maps)
    if (id >= map.container_id && id - map.container_id < map.size) return map.host_id + (id - map.container_id);
  return std::nullopt;
}

}  // namespace

Result<Fd> make_own_nodes(const std::vector<PreparedDevice>& devices, const Spec& spec) {
  if (in_user_namespace()) return fail(Code::unsupported, "create device");
  Fd tree = TRY(make_tmpfs("mode=755"));
  const Fd directory = TRY(open_at(tree.get(), ".", O_RDONLY | O_DIRECTORY));
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const PreparedDevice& device = devices[i];
    const auto uid = outside(spec.linux_.uid_mappings, device.uid);
    const auto gid = outside(spec.linux_.gid_mappings, device.gid);
    const bool said = std::ranges::any_of(spec.linux_.devices,
                                          [&](const Device& wanted) { return clean_path(wanted.path) == device.path; });
    if (!said || !uid || !gid) continue;
    const std::string name = std::to_string(i);
    if (::mknodat(directory.get(), name.c_str(), device.mode, device.number) != 0 ||
        ::fchownat(directory.get(), name.c_str(), *uid, *gid, AT_SYMLINK_NOFOLLOW) != 0 ||
        ::fchmodat(directory.get(), name.c_str(), device.mode & 07777, 0) != 0)  // regardless of the umask
      return fail_errno("create device", device.path);
  }
  return tree;
}

}  // namespace consort::runtime::internal

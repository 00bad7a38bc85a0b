// Device nodes of the host, for `devices:` and for privileged containers.
#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <memory>

#include "base/os/files/dir_stream.hpp"
#include "base/os/files/file.hpp"
#include "runtime/defaults.hpp"

namespace consort::runtime {

namespace {

constexpr int max_depth = 8;

Device device_of(const struct stat& st, std::string path) {
  Device device;
  device.path = std::move(path);
  device.type = S_ISBLK(st.st_mode) ? 'b' : 'c';
  device.major = major(st.st_rdev);
  device.minor = minor(st.st_rdev);
  device.mode = st.st_mode & 07777;
  device.uid = st.st_uid;
  device.gid = st.st_gid;
  return device;
}

bool is_device(const struct stat& st) {
  return S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode);
}

// Devices that each container has of its own instead of the host's.
bool is_own_of_container(std::string_view name) {
  return name == "pts" || name == "shm" || name == "fd" || name == "mqueue" || name == "console" || name == ".lxc";
}

Result<> collect(const std::string& from, const std::string& to, int depth, std::vector<Device>& into) {
  if (depth > max_depth) return {};
  const DirStream dir(::opendir(from.c_str()));
  if (!dir) return fail_errno("list devices", from);
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || is_own_of_container(name)) continue;
    struct stat st;
    const std::string path = from + "/" + name;
    if (::lstat(path.c_str(), &st) != 0) continue;  // removed meanwhile
    if (S_ISDIR(st.st_mode)) TRY(collect(path, to + "/" + name, depth + 1, into));
    if (is_device(st)) into.push_back(device_of(st, to + "/" + name));
  }
  return {};
}

}  // namespace

Result<std::vector<Device>> host_devices(const std::string& host_path, const std::string& target) {
  const std::string what = "error gathering device information while adding custom device \"" + host_path + "\"";
  struct stat st;
  if (::stat(host_path.c_str(), &st) != 0) return fail_errno(what);
  std::vector<Device> devices;
  if (S_ISDIR(st.st_mode)) {
    TRY_WRAP(collect(host_path, target, 0, devices), what);
  } else if (is_device(st)) {
    devices.push_back(device_of(st, target));
  }
  if (devices.empty()) return fail(Error(Code::invalid, what).why("not a device node"));
  return devices;
}

Result<std::vector<Device>> all_host_devices() {
  std::vector<Device> devices;
  TRY(collect("/dev", "/dev", 0, devices));
  return devices;
}

}  // namespace consort::runtime

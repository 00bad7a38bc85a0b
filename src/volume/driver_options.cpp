// The options type, o and device of a volume, as mount(8) would interpret them.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "volume/volume.hpp"

namespace consort::volume {

namespace {

struct Flag {
  std::string_view name;
  unsigned long set = 0;
  unsigned long clear = 0;
};
constexpr std::array<Flag, 22> flags{{
    {"defaults", 0, 0},
    {"ro", MS_RDONLY, 0},
    {"rw", 0, MS_RDONLY},
    {"bind", MS_BIND, 0},
    {"rbind", MS_BIND | MS_REC, 0},
    {"nosuid", MS_NOSUID, 0},
    {"suid", 0, MS_NOSUID},
    {"nodev", MS_NODEV, 0},
    {"dev", 0, MS_NODEV},
    {"noexec", MS_NOEXEC, 0},
    {"exec", 0, MS_NOEXEC},
    {"sync", MS_SYNCHRONOUS, 0},
    {"async", 0, MS_SYNCHRONOUS},
    {"dirsync", MS_DIRSYNC, 0},
    {"mand", MS_MANDLOCK, 0},
    {"nomand", 0, MS_MANDLOCK},
    {"noatime", MS_NOATIME, 0},
    {"atime", 0, MS_NOATIME},
    {"nodiratime", MS_NODIRATIME, 0},
    {"diratime", 0, MS_NODIRATIME},
    {"relatime", MS_RELATIME, 0},
    {"strictatime", MS_STRICTATIME, 0},
}};

std::string get(const DriverOptions& options, const char* key) {
  const auto found = options.find(key);
  return found == options.end() ? "" : found->second;
}

// The kernel's nfs and cifs accept only addresses.
Result<std::string> resolve_host(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0)
    return fail(
        Error(Code::not_found, "error resolving passed in network volume address").on(host).why(::gai_strerror(error)));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  std::array<char, NI_MAXHOST> text;
  if (::getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0)
    return fail(Error(Code::not_found, "error resolving passed in network volume address").on(host));
  return std::string(text.data());
}

struct MountCall {
  unsigned long flags = 0;
  std::string data;
};

Result<MountCall> read_options(const std::string& text) {
  MountCall call;
  for (const std::string& option : split(text, ',')) {
    if (option.empty()) continue;
    const auto* known = std::ranges::find(flags, std::string_view(option), &Flag::name);
    if (known != flags.end()) {
      call.flags = (call.flags | known->set) & ~known->clear;
      continue;
    }
    std::string value = option;
    if (option.starts_with("addr=")) value = "addr=" + TRY(resolve_host(option.substr(5)));
    call.data += (call.data.empty() ? "" : ",") + value;
  }
  return call;
}

Result<bool> is_mounted(const std::string& path) {
  struct statx st;
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st) != 0)
    return fail_errno("look at", path);
  return (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace

Result<> check_options(const DriverOptions& options) {
  for (const auto& [key, value] : options)
    if (key != "type" && key != "o" && key != "device")
      return fail(Error(Code::invalid, "create volume: invalid option: \"" + key + "\"")
                      .hint("the local driver supports the options type, o and device"));
  if (options.empty()) return {};
  if (get(options, "device").empty()) return fail(Error(Code::invalid, "missing device in volume options"));
  if (get(options, "type").empty() && !get(options, "o").contains("bind"))
    return fail(Error(Code::invalid, "missing type in volume options"));
  return {};
}

Result<> mount_volume(const Roots& roots, const std::string& name, const DriverOptions& options) {
  if (options.empty()) return {};
  const std::string target = roots.volume_data(name);
  if (TRY(is_mounted(target))) return {};
  const MountCall call = TRY(read_options(get(options, "o")));
  const std::string device = get(options, "device");
  const std::string type = get(options, "type");
  if (::mount(device.c_str(), target.c_str(), type.c_str(), call.flags, call.data.c_str()) != 0) {
    const int number = errno;
    Error error = errno_error(number, "failed to mount local volume: mount " + device + ":" + target +
                                          (call.data.empty() ? "" : ", data: " + call.data));
    if (number == ENOENT && (call.flags & MS_BIND))
      error = std::move(error).hint("create the directory first: `mkdir -p " + shell_quote(device) + "`");
    return fail(std::move(error));
  }
  // A bind mount ignores ro and the like until it is remounted.
  const unsigned long rest = call.flags & ~(MS_BIND | MS_REC);
  if ((call.flags & MS_BIND) && rest) {
    if (::mount(nullptr, target.c_str(), nullptr, MS_BIND | MS_REMOUNT | rest, nullptr) != 0) {
      const int number = errno;
      ::umount2(target.c_str(), MNT_DETACH);
      return fail_errno(number, "set mount options of volume", name);
    }
  }
  return {};
}

Result<> unmount_volume(const Roots& roots, const std::string& name, const DriverOptions& options) {
  if (options.empty()) return {};
  const std::string target = roots.volume_data(name);
  if (!path_exists(target) || !TRY(is_mounted(target))) return {};
  if (::umount2(target.c_str(), MNT_DETACH) != 0 && errno != EINVAL) return fail_errno("unmount volume", name);
  return {};
}

}  // namespace consort::volume

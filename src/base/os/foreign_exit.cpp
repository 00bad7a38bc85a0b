#include "base/os/foreign_exit.hpp"

#include <sys/ioctl.h>

#include <cstdint>

namespace consort {

namespace {

// struct pidfd_info of linux/pidfd.h in its first size; the headers of the systems that we build on do not have it.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);

constexpr std::uint64_t with_exit = 1 << 3;

}  // namespace

std::optional<int> foreign_wait_status(int pidfd) {
  PidfdInfo info{};
  info.mask = with_exit;
  if (::ioctl(pidfd, _IOWR(0xFF, 11, PidfdInfo), &info) != 0 || (info.mask & with_exit) == 0) return std::nullopt;
  return info.exit_code;
}

}  // namespace consort

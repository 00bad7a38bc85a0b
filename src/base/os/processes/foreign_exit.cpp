#include "base/os/processes/foreign_exit.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "base/os/processes/process_directory.hpp"
#include "base/os/processes/process_stat.hpp"

namespace consort {

namespace {

// struct pidfd_info of linux/pidfd.h in its first version; older system headers do not have it.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);

constexpr std::uint64_t with_exit = 1 << 3;
constexpr std::size_t exit_code_field = 52;  // of /proc/PID/stat

std::optional<int> status_of_reaped(int pidfd) {
  PidfdInfo info{};
  info.mask = with_exit;
  if (::ioctl(pidfd, _IOWR(0xFF, 11, PidfdInfo), &info) != 0 || (info.mask & with_exit) == 0) return std::nullopt;
  return info.exit_code;
}

// Without the right to trace a process, its status reads as 0 whatever it is; the namespace link is refused then.
bool may_trace(int directory) {
  std::array<char, 64> target;
  return ::readlinkat(directory, "ns/user", target.data(), target.size()) >= 0;
}

std::optional<int> status_of_zombie(pid_t pid, std::uint64_t started) {
  const auto directory = open_process_directory(pid, started);
  if (!directory || !may_trace(directory->get())) return std::nullopt;
  const auto fields = stat_fields_in(directory->get());
  if (!fields || fields->state() != 'Z') return std::nullopt;
  const auto status = fields->number(exit_code_field);
  return status ? std::optional(static_cast<int>(*status)) : std::nullopt;
}

}  // namespace

std::optional<int> foreign_wait_status(int pidfd, pid_t pid, std::uint64_t started) {
  if (const auto status = status_of_zombie(pid, started)) return status;
  return status_of_reaped(pidfd);  // last: it may have been reaped between the two
}

}  // namespace consort

// The cgroups of one container, on cgroup v2, v1 and hybrids of both.
//
// v2: one directory. The process is created in it (CLONE_INTO_CGROUP).
// v1: one directory in the hierarchy of each controller that we use; the child writes itself into each.
// Hybrid: v2 without controllers does what needs none (creation, freeze, kill, device filter), v1 the rest.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "runtime/spec.hpp"

namespace consort::runtime {

struct CgroupStats {
  std::uint64_t cpu_usage_ns = 0;
  std::uint64_t cpu_user_ns = 0;
  std::uint64_t cpu_system_ns = 0;
  std::uint64_t throttled_periods = 0;
  std::uint64_t memory_bytes = 0;          // including page cache
  std::uint64_t memory_inactive_file = 0;  // subtracted by docker stats
  std::uint64_t memory_limit = 0;          // 0: none
  std::uint64_t memory_peak = 0;
  std::uint64_t pids = 0;
  std::uint64_t pids_limit = 0;  // 0: none
  std::uint64_t io_read_bytes = 0;
  std::uint64_t io_write_bytes = 0;
};

// The error's reason if a cgroup does not freeze in time.
inline constexpr const char* cannot_be_paused = "some processes cannot be paused right now";

enum class GroupRemoval : std::uint8_t { done, waits };

// needed: in the hierarchies whose limits, counters or killing we use. all: in every v1 hierarchy, named ones too, for
// a container that creates its own cgroups; existing cgroups then keep their settings.
enum class GroupBreadth : std::uint8_t { needed, all };

class Cgroup {
 public:
  // path: "/consort/ID", below every hierarchy's root (on v2 below the cgroup delegated to us). An existing empty
  // cgroup is used; one with processes is Code::conflict. Limits that the kernel lacks are skipped and reported in
  // warnings.
  static Result<Cgroup> create(const std::string& path, const Resources& resources, std::vector<std::string>& warnings,
                               GroupBreadth breadth = GroupBreadth::needed);
  // Opens the existing cgroups of that path, for a running container. Never fails: missing ones are skipped.
  static Cgroup open(const std::string& path);

  Cgroup(Cgroup&&) noexcept;
  Cgroup& operator=(Cgroup&&) noexcept;
  ~Cgroup();  // removes nothing

  const std::string& path() const;
  // For clone3: a directory descriptor of the v2 hierarchy, or -1.
  Result<Fd> open_for_clone() const;
  // The same for a process that joins a container. If the container divides its cgroup (it runs systemd or an engine),
  // no process may be at the top of it, so the cgroup of the process `pid` is used.
  Result<Fd> open_for_clone_beside(pid_t pid) const;
  // For v1: `tasks` of each hierarchy, opened for writing; the child writes "0" into each.
  Result<std::vector<Fd>> open_for_joining() const;
  // The cgroups below this one that `exec --cgroup` names: "PATH" in all hierarchies, "cpu,memory:PATH" in those of
  // these controllers. Hierarchies that are not named use this cgroup itself.
  struct Places {
    std::vector<Fd> tasks;
    Fd for_clone;
  };
  Result<Places> open_below(const std::vector<std::string>& named) const;
  Result<> add(pid_t pid) const;

  Result<> update(const Resources& resources, std::vector<std::string>& warnings) const;
  Result<> begin_freeze() const;
  Result<bool> is_frozen() const;  // all of it
  Result<> freeze() const;         // returns once all are frozen, or after 2 s with Code::busy
  Result<> thaw() const;
  Result<> kill_all() const;                // sends SIGKILL to all, frozen or not; does not wait
  Result<std::vector<pid_t>> pids() const;  // including child cgroups; sorted
  Result<CgroupStats> stats() const;
  std::uint64_t oom_kills() const;  // processes killed for lack of memory so far; 0 if unknown
  // Removes the directories if they are empty; otherwise kills the processes, and the caller retries later. Succeeds if
  // already gone.
  Result<GroupRemoval> try_remove() const;
  // The same until it is done, for at most 2 s.
  Result<> remove() const;

  // Mounts that show the container its own cgroup at /sys/fs/cgroup: (hierarchy name or "" for v2, host directory).
  struct View {
    std::string name;
    std::string directory;
  };
  std::vector<View> views() const;

  struct Impl;

 private:
  explicit Cgroup(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

enum class CgroupVersion : std::uint8_t { none, v1, hybrid, v2 };
CgroupVersion cgroup_version();

// On v2 a cgroup with processes cannot enable controllers for its children. A program that manages its own cgroup
// (systemd's Delegate=) therefore moves to a leaf of it with a special name. This moves a process into such a leaf,
// provided that the last part of its cgroup's path is group_name (else Code::conflict). Does nothing on v1.
Result<> enter_delegated_leaf(const std::string& group_name, pid_t pid);
// The cgroup above our own leaf, as a path below the hierarchy's root; "" if we are not in such a leaf.
std::string delegated_group();

}  // namespace consort::runtime

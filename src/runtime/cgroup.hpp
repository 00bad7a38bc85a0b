// The cgroups of one container, on cgroup v2, v1 and hybrids of both.
//
// v2: one directory. The process is born in it (CLONE_INTO_CGROUP).
// v1: one directory in each controller's hierarchy that we use; the child writes itself into each.
// Hybrid: v2 without controllers carries what needs none (birth, freeze, kill, device filter), v1 the rest.
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
  std::uint64_t memory_bytes = 0;          // with page cache
  std::uint64_t memory_inactive_file = 0;  // docker stats subtracts it
  std::uint64_t memory_limit = 0;          // 0: none
  std::uint64_t memory_peak = 0;
  std::uint64_t pids = 0;
  std::uint64_t pids_limit = 0;  // 0: none
  std::uint64_t io_read_bytes = 0;
  std::uint64_t io_write_bytes = 0;
};

// Why a group is not frozen in time.
inline constexpr const char* cannot_be_paused = "some processes cannot be paused right now";

enum class GroupRemoval : std::uint8_t { done, waits };

// needed: in the hierarchies whose limits, counts or killing we use. all: in every one of v1, named ones too, as
// whoever makes groups of their own in the container wants it; and what is there already keeps its settings.
enum class GroupBreadth : std::uint8_t { needed, all };

class Cgroup {
 public:
  // path: "/consort/ID", below every hierarchy's root (on v2 below the cgroup delegated to us). An existing empty one
  // is used; one with processes is Code::conflict. Limits that the kernel lacks are dropped and named in warnings.
  static Result<Cgroup> create(const std::string& path, const Resources& resources, std::vector<std::string>& warnings,
                               GroupBreadth breadth = GroupBreadth::needed);
  // What is there under that path, for a container that runs already. Never fails: absent parts are skipped.
  static Cgroup open(const std::string& path);

  Cgroup(Cgroup&&) noexcept;
  Cgroup& operator=(Cgroup&&) noexcept;
  ~Cgroup();  // removes nothing

  const std::string& path() const;
  // For clone3: a directory descriptor of the v2 hierarchy, or -1; and cgroup.procs of v1 hierarchies, opened for
  // writing, into which the child writes "0".
  Result<Fd> open_for_clone() const;
  // The same for what joins a process of the container: one that was given its group to divide (systemd or an engine
  // runs in it) has no processes at the top of it, where none may be then.
  Result<Fd> open_for_clone_beside(pid_t pid) const;
  Result<std::vector<Fd>> open_for_joining() const;
  // As `exec --cgroup` names groups below this one: "PATH" in all hierarchies, "cpu,memory:PATH" in those of these
  // controllers. Both vectors as above, of a hierarchy that is not named the group itself.
  struct Places {
    std::vector<Fd> tasks;
    Fd for_clone;
  };
  Result<Places> open_below(const std::vector<std::string>& named) const;
  Result<> add(pid_t pid) const;

  Result<> update(const Resources& resources, std::vector<std::string>& warnings) const;
  Result<> begin_freeze() const;
  Result<bool> is_frozen() const;  // all of it
  Result<> freeze() const;         // returns when all are frozen, or after 2 s with Code::busy
  Result<> thaw() const;
  Result<> kill_all() const;                // SIGKILL to everything, frozen or not; does not wait
  Result<std::vector<pid_t>> pids() const;  // in groups below it too; sorted
  Result<CgroupStats> stats() const;
  std::uint64_t oom_kills() const;  // processes killed for memory so far; 0 when it cannot be known
  // Removes the directories, if nothing is in there any more; else kills that, and the caller tries again in a while.
  // Already gone is done.
  Result<GroupRemoval> try_remove() const;
  // The same until it is done, at most 2 s.
  Result<> remove() const;

  // Mounts that show the container its own cgroup (spec table 3): (hierarchy name or "" for v2, host directory).
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

// On v2 a group with processes cannot hand controllers down. A program that is given a group to have groups in
// (systemd's Delegate=) lives in a leaf of it, and that leaf's name says so.
// Moves a process into such a leaf of its group, if that group's last part is this name; elsewhere than on v2: nothing.
Result<> enter_delegated_leaf(const std::string& group_name, pid_t pid);
// The group around our own leaf, as a path below the hierarchy's root; "" if we do not live in one.
std::string delegated_group();

}  // namespace consort::runtime

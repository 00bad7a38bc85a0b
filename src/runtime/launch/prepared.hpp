// Everything the child needs, prepared by the parent before clone3. The child only reads it (c_str, data, size):
// between clone and exec there are no allocations, locks or destructors.
#pragma once

#include <sys/types.h>

#include <linux/filter.h>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "runtime/spec.hpp"

namespace consort::runtime::internal {

struct PreparedMount {
  enum class Kind : std::uint8_t {
    filesystem,        // mount(2) in the child: proc, sysfs and mqueue belong to the namespaces of the mounting process
    bind,              // a detached tree that the parent cloned from the host's files, moved into place
    remount_readonly,  // remounts what an earlier entry mounted
  };
  Kind kind = Kind::filesystem;
  std::string destination;  // absolute, clean
  bool target_is_file = false;
  bool keeps_mode = false;    // tmpfs without a mode: has that of the directory it covers, if any
  bool refuse_links = false;  // proc and sysfs: a link in the image would bypass masked paths
  Fd tree;
  std::string tree_path;  // "/proc/self/fd/N" of `tree`, for kernels without mount_setattr
  std::string type, source, data;
  unsigned long flags = 0;
  unsigned long late_remount = 0;                 // bind without mount_setattr: flags for a remount in the child
  unsigned long late_propagation = 0;             // to set once it is attached
  bool in_turn = false;                           // bind: must be mounted in the config's order
  unsigned long last_propagation = 0;             // with in_turn: propagation that would prevent cloning
  unsigned long long all_set = 0, all_clear = 0;  // of a file system: attributes of all mounts in it
  std::string shown;                              // for errors: "bind /srv on /data"
};

struct PreparedDevice {
  std::string path;
  mode_t mode = 0;  // including the type
  dev_t number = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

struct PreparedWrite {
  std::string path;  // relative to the container's root
  std::string text;
  std::string shown;
};

// For another program's bundle; see foreign.hpp.
struct ForeignPlan {
  bool to_the_letter = false;  // unset limits and scores stay as the caller has them
  bool has_program = true;
  int gate = -1, answer = -1;
  bool pauses = false;   // before the change of root, for hooks
  bool listens = false;  // to the notifications of a filter
  std::uint32_t filter_flags = 0;
  int preserved = 0;
  bool chroot = false;  // in the caller's mount namespace
  bool no_pivot = false;
  bool unshare_time = false;
  std::string clock_offsets;  // for timens_offsets
  std::string apparmor, selinux;
  std::optional<Scheduler> scheduler;
  std::optional<IoPriority> io_priority;
  std::optional<unsigned long> personality;
  std::vector<unsigned char> first_processors, processors;  // for sched_setaffinity
};

struct Prepared {
  ForeignPlan foreign;
  // Descriptors that the child keeps open in addition to 0 to 2, ascending: keep_only_own(). All others are closed
  // first, because socket ends that others wait on must have no second holder.
  std::vector<int> kept;
  // Steps do nothing for fields that are not set; the lists of steps are in steps.cpp.
  std::vector<Fd> cgroup_tasks;  // v1: "tasks" of each hierarchy
  Fd cgroup_directory;           // v2: for CLONE_INTO_CGROUP
  std::vector<Fd> join;          // namespaces to enter, in order
  std::vector<int> join_kinds;   // CLONE_NEW* of each
  int join_pidfd = -1;           // exec: enter all these namespaces of that process at once
  int join_flags = 0;
  // exec: visible in the container's pid namespace only when everything is done, see step_inside().
  bool enters_last = false;
  std::uint64_t clone_flags = 0;
  Fd pid_namespace;  // entered by the parent for the duration of the clone
  bool unshare_cgroup = false;
  bool map_users = false;  // waits until the parent has written the ID maps
  bool nested = false;     // the namespaces must belong to a user namespace that is entered first
  bool loopback_up = false;
  std::string oom_score_adj;  // text
  std::string hostname, domainname;

  Fd root;                  // detached mount
  std::string attach_path;  // where it is attached just before pivot_root
  std::vector<PreparedMount> mounts;
  bool make_devices = false;
  bool device_directory = false;  // /dev is mounted with its nodes
  std::vector<PreparedDevice> devices;
  std::vector<PreparedWrite> sysctls;
  std::vector<std::string> masked, readonly;
  bool root_readonly = false;
  unsigned long root_propagation = 0;

  bool terminal = false;
  std::uint16_t rows = 0, columns = 0;
  Fd in, out, err;  // all at numbers above 2
  bool make_cwd = false;
  std::string cwd;
  std::vector<Rlimit> rlimits;
  mode_t umask = 022;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  bool set_groups = true;
  bool set_capabilities = false;
  Capabilities capabilities;
  int last_capability = 40;
  bool die_with_parent = false;
  bool lenient_limits = false;  // limits that only root may raise stay unchanged
  bool no_new_privileges = false;
  std::vector<sock_filter> filter;

  std::vector<std::string> argument_text, environment_text, candidates;
  std::vector<char*> argv, environment;  // null-terminated, pointing into the above
  bool searched_path = false;            // candidates come from PATH
  Fd attendant;                          // executed instead of the program, with an attendant_argv per candidate
  std::string attendant_name = "consort-init", attendant_flag = "--attend";
  std::vector<std::vector<char*>> attendant_argv;
};

}  // namespace consort::runtime::internal

// Everything the child needs, made by the parent before clone3. The child only reads it (c_str, data, size): between
// clone and exec there is no allocation, no lock, no destructor.
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
    filesystem,        // mount(2) in the child: proc, sysfs, mqueue belong to the namespaces of whoever mounts them
    bind,              // a detached tree, made by the parent from the host's files, moved into place
    remount_readonly,  // what an earlier entry mounted
  };
  Kind kind = Kind::filesystem;
  std::string destination;  // absolute, clean
  bool target_is_file = false;
  bool keeps_mode = false;    // tmpfs without a mode: that of the directory that it covers, if there is one
  bool refuse_links = false;  // proc and sysfs: a link in the image would let masked paths miss
  Fd tree;
  std::string tree_path;  // "/proc/self/fd/N" of tree, for kernels without mount_setattr
  std::string type, source, data;
  unsigned long flags = 0;
  unsigned long late_remount = 0;                 // bind without mount_setattr: flags of a remount in the child
  unsigned long late_propagation = 0;             // to be set once it is attached
  bool in_turn = false;                           // bind: to be seen in the list of mounts where it is in the config
  unsigned long last_propagation = 0;             // of one in turn: what would keep it from being cloned
  unsigned long long all_set = 0, all_clear = 0;  // of a file system: attributes of all that is mounted there
  std::string shown;                              // for errors: "bind /srv on /data"
};

struct PreparedDevice {
  std::string path;
  mode_t mode = 0;  // with the type
  dev_t number = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

struct PreparedWrite {
  std::string path;  // relative to the container's root
  std::string text;
  std::string shown;
};

// Of a bundle that is not our own; see foreign.hpp.
struct ForeignPlan {
  bool to_the_letter = false;  // limits and scores that are not said stay as the caller has them
  bool has_program = true;
  int gate = -1, answer = -1;
  bool pauses = false;   // before the change of root
  bool listens = false;  // to a filter's questions
  std::uint32_t filter_flags = 0;
  int preserved = 0;
  bool chroot = false;  // in the caller's mount namespace
  bool no_pivot = false;
  bool unshare_time = false;
  std::string clock_offsets;  // text of timens_offsets
  std::string apparmor, selinux;
  std::optional<Scheduler> scheduler;
  std::optional<IoPriority> io_priority;
  std::optional<unsigned long> personality;
  std::vector<unsigned char> first_processors, processors;  // as sched_setaffinity has them
};

struct Prepared {
  ForeignPlan foreign;
  // Descriptors that the child keeps open besides 0 to 2, ascending: keep_only_own(). All others of the parent are
  // closed in it first: of the ends of sockets that others wait on there must be no second holder.
  std::vector<int> kept;
  // What is set decides which steps do anything; the lists of steps are in steps.cpp.
  std::vector<Fd> cgroup_tasks;  // v1: "tasks" of each hierarchy
  Fd cgroup_directory;           // v2: for CLONE_INTO_CGROUP
  std::vector<Fd> join;          // namespaces to enter, in order
  std::vector<int> join_kinds;   // CLONE_NEW* of each
  int join_pidfd = -1;           // exec: enter these of that process at once
  int join_flags = 0;
  // exec: seen in the container's pid namespace only when all is done, see step_inside().
  bool enters_last = false;
  std::uint64_t clone_flags = 0;
  Fd pid_namespace;  // entered by the parent for the time of the clone
  bool unshare_cgroup = false;
  bool map_users = false;  // waits until the parent has written the id maps
  bool nested = false;     // the namespaces are to belong to a user namespace that is entered first
  bool loopback_up = false;
  std::string oom_score_adj;  // text
  std::string hostname, domainname;

  Fd root;                  // detached mount
  std::string attach_path;  // where it is hung for the moment before pivot_root
  std::vector<PreparedMount> mounts;
  bool make_devices = false;
  bool device_folder = false;  // /dev comes with its nodes
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
  bool lenient_limits = false;  // what only root may raise stays as it is
  bool no_new_privileges = false;
  std::vector<sock_filter> filter;

  std::vector<std::string> argument_text, environment_text, candidates;
  std::vector<char*> argv, environment;  // null-terminated, into the above
  bool searched_path = false;            // candidates come from PATH
  Fd attendant;                          // executed instead, with one of these, a candidate each
  std::string attendant_name = "consort-init", attendant_flag = "--attend";
  std::vector<std::vector<char*>> attendant_argv;
};

}  // namespace consort::runtime::internal

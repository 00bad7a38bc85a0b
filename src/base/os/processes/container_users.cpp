#include "base/os/processes/container_users.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/strings.hpp"

namespace consort {

namespace {

std::string file_of(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

// Runs in the child whose namespaces are used. It ends with its parent, which may be killed before any other process
// knows the child.
[[noreturn]] void stay(pid_t maker) {
  ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // Not SYS_pause, which newer architectures lack.
  while (::syscall(SYS_getppid) == maker) ::syscall(SYS_ppoll, nullptr, 0, nullptr, nullptr, 0);
  ::_exit(1);
}

Result<> write_map(pid_t pid, const char* file, const std::string& text) {
  const Fd fd = TRY(open_file(file_of(pid, file), O_WRONLY));
  TRY_WRAP(write_full(fd.get(), text), "map users");
  return {};
}

Error no_namespace(int number, const char* action) {
  Error error = errno_error(number, action);
  if (number == ENOSPC)
    return std::move(error).hint("raise the sysctls user.max_user_namespaces and max_net_namespaces");
  if (number == EPERM) return std::move(error).hint("are user namespaces allowed?");
  return error;
}

// Runs in the child of make_network_namespace_of: system calls only.
[[noreturn]] void make_and_stay(int users, int told, pid_t maker) {
  int outcome = 0;
  if (::syscall(SYS_setns, users, CLONE_NEWUSER) != 0 || ::syscall(SYS_unshare, CLONE_NEWNET) != 0) outcome = errno;
  (void)!::write(told, &outcome, sizeof outcome);
  stay(maker);
}

}  // namespace

std::string container_id_map() {
  return "0 " + std::to_string(first_container_id) + " " + std::to_string(container_ids) + "\n";
}

Result<NamespacesOfNobody> make_user_namespace(const std::string& uid_map, const std::string& gid_map,
                                               WithNetwork network) {
  clone_args arguments{};
  arguments.flags = CLONE_NEWUSER | (network == WithNetwork::yes ? CLONE_NEWNET : 0);
  arguments.exit_signal = SIGCHLD;
  const pid_t maker = ::getpid();
  const long cloned = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (cloned < 0) return fail(no_namespace(errno, "create user namespace"));
  if (cloned == 0) stay(maker);
  const ChildGuard holder(static_cast<pid_t>(cloned));  // killed at the end
  // Without privileges, the kernel requires that setgroups is denied before a gid map is written.
  if (::geteuid() != 0) (void)write_map(holder.pid(), "setgroups", "deny");
  TRY(write_map(holder.pid(), "uid_map", uid_map));
  TRY(write_map(holder.pid(), "gid_map", gid_map));
  NamespacesOfNobody made;
  made.users = TRY(open_file(file_of(holder.pid(), "ns/user"), O_RDONLY));
  if (network == WithNetwork::yes) made.network = TRY(open_file(file_of(holder.pid(), "ns/net"), O_RDONLY));
  return made;
}

Result<Fd> make_network_namespace_of(int users) {
  Pipe told = TRY(make_pipe());
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  const pid_t maker = ::getpid();
  const long cloned = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (cloned < 0) return fail_errno("create process");
  if (cloned == 0) make_and_stay(users, told.write.get(), maker);
  const ChildGuard holder(static_cast<pid_t>(cloned));
  told.write.reset();  // otherwise the read below would never see that the child was killed
  int outcome = EPIPE;
  ssize_t got;
  do got = ::read(told.read.get(), &outcome, sizeof outcome);
  while (got < 0 && errno == EINTR);
  if (outcome) return fail(no_namespace(outcome, "create network namespace"));
  return open_file(file_of(holder.pid(), "ns/net"), O_RDONLY);
}

Result<int> container_users() {
  static const Result<NamespacesOfNobody> made = make_user_namespace(container_id_map(), container_id_map());
  if (!made) return fail(errno_error(made.error().sys_errno(), "create user namespace"));
  return made->users.get();
}

Result<Fd> owner_of_namespace(int other) {
  Fd owner(::ioctl(other, NS_GET_USERNS));
  if (!owner) return fail_errno("find owner of namespace");
  struct stat theirs {};
  if (::fstat(owner.get(), &theirs) != 0) return fail_errno("look at user namespace");
  const struct stat ours = TRY(stat_path("/proc/self/ns/user"));
  if (theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev) return Fd();
  return owner;
}

Result<> map_mount_owners(int tree, int users, MapSubmounts submounts) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<std::uint64_t>(users);
  const unsigned flags = AT_EMPTY_PATH | (submounts == MapSubmounts::yes ? AT_RECURSIVE : 0);
  if (::syscall(SYS_mount_setattr, tree, "", flags, &attributes, sizeof attributes) == 0) return {};
  return fail_errno("map owners of mount");
}

Result<std::uint32_t> root_of_process(pid_t pid) {
  const struct stat theirs = TRY(stat_path(file_of(pid, "ns/user")));
  const struct stat ours = TRY(stat_path("/proc/self/ns/user"));
  if (theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev) return std::uint32_t{0};
  const std::string text = TRY(read_file(file_of(pid, "uid_map"), 65536));
  for (const std::string& line : split(text, '\n')) {
    std::vector<std::string> words = split(line, ' ');
    std::erase(words, "");
    if (words.size() != 3 || words[0] != "0") continue;
    if (const auto first = parse_unsigned(words[1]); first && *first <= UINT32_MAX)
      return static_cast<std::uint32_t>(*first);
  }
  return fail(
      Error(Code::not_found, "find root of process").on(std::to_string(pid)).why("its user namespace has none"));
}

namespace {

// The kernel drops these capabilities when a process's file-system user is no longer root.
bool raise_all_permitted() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return false;
  for (__user_cap_data_struct& half : data) half.effective = half.permitted;
  return ::syscall(SYS_capset, &header, data) == 0;
}

// Neither call reports whether it succeeded; only the resulting ids show it.
bool become_for_files(std::uint32_t id) {
  ::syscall(SYS_setfsgid, id);
  ::syscall(SYS_setfsuid, id);
  return ::syscall(SYS_setfsuid, -1) == static_cast<long>(id);
}

}  // namespace

Result<ActingAs> ActingAs::begin(std::uint32_t id) {
  if (id == 0) return ActingAs(false, false);
  // Read once, before the first use: while any thread acts as another user, the whole process is not dumpable.
  static const bool dumpable = ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1;
  ActingAs acting(true, dumpable);
  if (!become_for_files(id) || !raise_all_permitted())
    return fail(Error(Code::denied, "make files for container").why("only root of the machine may"));
  return acting;
}

ActingAs::ActingAs(ActingAs&& other) noexcept
    : active_(std::exchange(other.active_, false)), was_dumpable_(other.was_dumpable_) {}

// The effective user is still root, so the kernel restores the capabilities.
ActingAs::~ActingAs() {
  if (!active_) return;
  (void)become_for_files(0);
  if (was_dumpable_) ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // each change of user clears it
}

}  // namespace consort

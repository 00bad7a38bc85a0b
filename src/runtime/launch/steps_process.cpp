// Steps that set up the container's first process: namespaces, terminal, limits, identity, program.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/os/processes/inherited.hpp"
#include "runtime/launch/child_files.hpp"
#include "runtime/launch/steps_list.hpp"

namespace consort::runtime::internal {

namespace {

Outcome failed(int argument = 0) {
  return {errno, argument};
}

constexpr gid_t tty_group = 5;  // as devpts is mounted

// setuid-type calls go to the kernel directly: glibc's would signal threads that exist only in the parent.
long raw_setgroups(std::size_t count, const gid_t* groups) {
  return ::syscall(SYS_setgroups, count, groups);
}
long raw_setresgid(gid_t gid) {
  return ::syscall(SYS_setresgid, gid, gid, gid);
}
long raw_setresuid(uid_t uid) {
  return ::syscall(SYS_setresuid, uid, uid, uid);
}

Outcome load_filter(Child& child) {
  const Prepared& plan = child.plan;
  if (plan.filter.empty()) return {};
  sock_fprog program{};
  program.len = static_cast<unsigned short>(plan.filter.size());
  program.filter = const_cast<sock_filter*>(plan.filter.data());
  if (plan.foreign.to_the_letter) {
    const auto listens = plan.foreign.listens ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0UL;
    const long loaded = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, plan.foreign.filter_flags | listens, &program);
    if (loaded < 0) return failed();
    return listens ? report_listener(child, static_cast<int>(loaded)) : Outcome{};
  }
  // SPEC_ALLOW: without it, older kernels slow down every filtered process; runc and Docker set it too.
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0) return {};
  if (errno == EINVAL && ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) return {};
  return failed();
}

}  // namespace

// Until execve this process has our memory, and /proc/PID/exe is our file: processes of a container that we are about
// to enter must not access either.
Outcome guard_self(Child&) {
  ::umask(0);
  return ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? Outcome{} : failed();
}

// Comes first, while /proc is the host's and this process is still dumpable (its files in /proc are ours).
Outcome set_oom_score(Child& child) {
  const auto& text = child.plan.oom_score_adj;
  if (text.empty()) return {};
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return failed();
  // Going below the caller's value requires CAP_SYS_RESOURCE. The default value is best effort; one from the file is
  // not.
  if (::write(fd, text.data(), text.size()) < 0 && (errno != EACCES || (text != "0" && !child.plan.lenient_limits)))
    return failed();
  ::close(fd);
  return {};
}

// v1. The process moves itself, and through "tasks": moving another process, or using "cgroup.procs", takes a lock that
// costs an RCU grace period in the kernel, ten milliseconds. Done before the cgroup namespace is created, because its
// root is the cgroup that this process is in then.
Outcome join_cgroups(Child& child) {
  for (std::size_t i = 0; i < child.plan.cgroup_tasks.size(); ++i)
    if (::write(child.plan.cgroup_tasks[i].get(), "0", 1) < 0) return failed(static_cast<int>(i));
  return {};
}

Outcome wait_for_maps(Child& child) {
  if (!child.plan.map_users) return {};
  if (!send_report(child.sync, {ReportKind::map_me, 0, 0, 0})) return failed();
  char go;
  if (::recv(child.sync, &go, 1, 0) != 1) return {EPIPE, 0};
  if (raw_setresgid(0) != 0 || raw_setresuid(0) != 0) return failed();
  return {};
}

Outcome join_namespaces(Child& child) {
  if (child.plan.nested) return {};
  for (std::size_t i = 0; i < child.plan.join.size(); ++i)
    if (::setns(child.plan.join[i].get(), child.plan.join_kinds[i]) != 0) return failed(static_cast<int>(i));
  return {};
}

// exec: all at once, so that a half-entered container does not exist.
Outcome join_process(Child& child) {
  if (::setns(child.plan.join_pidfd, child.plan.join_flags) != 0) return failed();
  // A process from outside has no id here, and neither do the files it creates. A map need not include root.
  if (child.plan.join_flags & CLONE_NEWUSER) (void)(raw_setresgid(0) == 0 && raw_setresuid(0) == 0);
  // A foreign container that shares our mounts still has its own root.
  if (child.plan.root && (::fchdir(child.plan.root.get()) != 0 || ::chroot(".") != 0)) return failed(1);
  return {};
}

// For the children still to come, see step_inside(). The privileges for it are gone by then.
Outcome choose_pid_namespace(Child& child) {
  if (!child.plan.enters_last) return {};
  return ::setns(child.plan.pid_namespace.get(), CLONE_NEWPID) == 0 ? Outcome{} : failed();
}

Outcome new_cgroup_namespace(Child& child) {
  if (!child.plan.unshare_cgroup) return {};
  return ::unshare(CLONE_NEWCGROUP) == 0 ? Outcome{} : failed();
}

// Separates the process from the terminal and from the keys, which the caller's session keyring would expose to the
// container. If the kernel has no keys, or a filter around us hides them, there is nothing to expose.
Outcome new_session(Child& child) {
  constexpr int join_session_keyring = 1;  // KEYCTL_JOIN_SESSION_KEYRING
  if (::syscall(SYS_keyctl, join_session_keyring, nullptr) < 0 && errno != ENOSYS && errno != EPERM && errno != EACCES)
    return failed();
  if (child.plan.enters_last) return {};  // the process that steps inside does this
  return ::setsid() >= 0 ? Outcome{} : failed();
}

Outcome loopback_up(Child& child) {
  if (!child.plan.loopback_up) return {};
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed();
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  if (::ioctl(fd, SIOCGIFFLAGS, &request) != 0) return failed();
  request.ifr_flags |= IFF_UP;
  if (::ioctl(fd, SIOCSIFFLAGS, &request) != 0) return failed();
  ::close(fd);
  return {};
}

Outcome set_names(Child& child) {
  const auto& host = child.plan.hostname;
  const auto& domain = child.plan.domainname;
  if (!host.empty() && ::sethostname(host.data(), host.size()) != 0) return failed(0);
  if (!domain.empty() && ::setdomainname(domain.data(), domain.size()) != 0) return failed(1);
  return {};
}

// A pty from the container's own devpts. Its master is sent to the parent with the "ready" message.
Outcome open_console(Child& child) {
  if (!child.plan.terminal) return {};
  const bool entering = child.root < 0;  // exec: the container's processes may have put anything there
  const int root = entering ? ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : child.root;
  // O_NONBLOCK: should it be a FIFO, do not hang; it is refused below.
  child.master = open_inside(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK, Links::refuse);
  if (child.master < 0) return failed();
  struct stat st;
  if (::fstat(child.master, &st) != 0) return failed();
  if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2)) return {ENODEV, 0};
  if (::fcntl(child.master, F_SETFL, O_RDWR) != 0) return failed();
  int unlocked = 0;
  if (::ioctl(child.master, TIOCSPTLCK, &unlocked) != 0) return failed(1);
  child.slave = ::ioctl(child.master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (child.slave < 0) return failed(2);
  if (child.plan.rows || child.plan.columns) {
    winsize size{};
    size.ws_row = child.plan.rows;
    size.ws_col = child.plan.columns;
    if (::ioctl(child.master, TIOCSWINSZ, &size) != 0) return failed(3);
  }
  // EINVAL: a user namespace without that user or group.
  if (::fchown(child.slave, child.plan.uid, tty_group) != 0 && errno != EINVAL) return failed(4);
  if (::fchmod(child.slave, 0620) != 0) return failed(4);
  if (child.plan.foreign.to_the_letter && !send_report(child.sync, {ReportKind::console, 0, 0, 0}, {}, child.master))
    return failed(7);
  if (entering) {
    ::close(root);
    return {};
  }
  const int console = make_target(root, "/dev/console", Target::file);
  if (console < 0) return failed(5);
  const int tree = clone_tree(child.slave, false);
  if (tree < 0 || move_onto(tree, console) != 0) return failed(6);
  ::close(console);
  ::close(tree);
  return {};
}

// Opens the container's own, not the host's: through /proc/self/fd the container's processes can change the mode and
// owner of their open files. When entering a container, anything may be at that path.
int open_null() {
  const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return -1;
  struct stat st;
  const bool genuine = ::fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
  if (genuine && ::fcntl(fd, F_SETFL, O_RDWR) == 0) return fd;
  ::close(fd);
  errno = ENODEV;
  return -1;
}

Outcome connect_stdio(Child& child) {
  const Prepared& plan = child.plan;
  const bool terminal = child.slave >= 0;
  int sources[3] = {terminal ? child.slave : plan.in.get(), terminal ? child.slave : plan.out.get(),
                    terminal ? child.slave : plan.err.get()};
  for (int fd = 0; fd < 3; ++fd) {
    if (sources[fd] < 0) sources[fd] = open_null();
    if (sources[fd] < 0) return failed(stdio_null);
    if (::dup2(sources[fd], fd) < 0) return failed(fd);
    // A program that drops privileges may still reopen /proc/self/fd/1 (/dev/stdout): pipes belong to its user.
    struct stat st;
    if (!terminal && ::fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_uid != plan.uid)
      (void)!::fchown(fd, plan.uid, static_cast<gid_t>(-1));
  }
  if (terminal && !plan.enters_last && ::ioctl(0, TIOCSCTTY, 0) != 0) return failed(3);
  return {};
}

// Limits in the file must be settable. The others do not come from the caller, but are the same default for all.
Outcome set_rlimits(Child& child) {
  for (const DefaultLimit& limit : default_limits) {
    if (child.plan.foreign.to_the_letter) break;
    bool said = false;
    for (const Rlimit& wanted : child.plan.rlimits) said = said || wanted.resource == limit.resource;
    if (!said) reset_limit(limit);
  }
  for (std::size_t i = 0; i < child.plan.rlimits.size(); ++i) {
    const Rlimit& wanted = child.plan.rlimits[i];
    const rlimit64 limit{wanted.soft, wanted.hard};
    if (::syscall(SYS_prlimit64, 0, wanted.resource, &limit, nullptr) == 0) continue;
    if (errno != EPERM || !child.plan.lenient_limits) return failed(static_cast<int>(i));
    reset_limit({wanted.resource, wanted.soft, wanted.hard});  // as far as possible
  }
  return {};
}

// Without no_new_privs only CAP_SYS_ADMIN may load a filter, so it must come before the capabilities are dropped. With
// it the filter comes last, and it need not allow the steps in between.
Outcome filter_early(Child& child) {
  return child.plan.no_new_privileges ? Outcome{} : load_filter(child);
}

// The bounding set first (it needs CAP_SETPCAP), then groups while CAP_SETGID is available, then the user. KEEPCAPS
// keeps the permitted set across the change of user until the next step sets the container's.
Outcome become_user(Child& child) {
  const Prepared& plan = child.plan;
  if (plan.set_capabilities)
    for (int number = 0; number <= plan.last_capability; ++number)
      if (!(plan.capabilities.bounding >> number & 1) && ::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0)
        return failed(number);
  if (plan.set_capabilities && ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return failed(100);
  if (plan.set_groups && raw_setgroups(plan.groups.size(), plan.groups.data()) != 0) return failed(101);
  if (raw_setresgid(plan.gid) != 0) return failed(102);
  if (raw_setresuid(plan.uid) != 0) return failed(103);
  return {};
}

Outcome set_capabilities(Child& child) {
  const Prepared& plan = child.plan;
  ::umask(plan.umask);
  if (!plan.set_capabilities) return {};
  const Capabilities& sets = plan.capabilities;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  for (unsigned half = 0; half < 2; ++half) {
    data[half].effective = static_cast<std::uint32_t>(sets.effective >> (32 * half));
    data[half].permitted = static_cast<std::uint32_t>(sets.permitted >> (32 * half));
    data[half].inheritable = static_cast<std::uint32_t>(sets.inheritable >> (32 * half));
  }
  if (::syscall(SYS_capset, &header, data) != 0) return failed();
  if (::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0) return failed();
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (int number = 0; number <= plan.last_capability; ++number)
    if ((sets.ambient >> number & 1) && ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0)
      return failed(number);
  return {};
}

// After the change of user, which clears it. A parent that died earlier is detected by the end of the socket.
Outcome tie_to_parent(Child& child) {
  if (!child.plan.die_with_parent) return {};
  return ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 ? Outcome{} : failed();
}

Outcome filter_late(Child& child) {
  if (!child.plan.no_new_privileges) return {};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed();
  return load_filter(child);
}

namespace {

bool plan_overrides(const Prepared& plan) {
  return plan.set_capabilities && (plan.capabilities.effective >> CAP_DAC_OVERRIDE & 1);
}

}  // namespace

// As the container's user, in its working directory, so that a missing program is an error of the start and not an exit
// of the container. A program that was found but cannot be run takes precedence over ENOENT.
Outcome find_program(Child& child) {
  if (!child.plan.foreign.has_program) return {};
  int error = ENOENT;
  for (std::size_t i = 0; i < child.plan.candidates.size(); ++i) {
    const char* const path = child.plan.candidates[i].c_str();
    struct stat st;
    if (::stat(path, &st) != 0) {
      if (errno != ENOENT && errno != ENOTDIR) error = errno;
      continue;
    }
    if (S_ISDIR(st.st_mode)) {
      if (!child.plan.searched_path) error = EISDIR;
      continue;
    }
    // access() checks with the privileges of a user's program at its start, without ambient capabilities.
    const bool overrides = plan_overrides(child.plan) && (st.st_mode & 0111);
    // Not faccessat(AT_EACCESS): glibc emulates it where the filter does not allow faccessat2. Real and effective ids
    // are equal.
    if (::access(path, X_OK) != 0 && !(errno == EACCES && overrides)) {
      error = errno;
      continue;
    }
    child.program = static_cast<int>(i);
    return {};
  }
  return {error, 0};
}

Outcome wait_for_start(Child& child) {
  if (child.plan.foreign.gate >= 0) return wait_at_gate(child);
  if (!send_report(child.sync, {ReportKind::ready, 0, 0, 0}, {}, child.master)) return failed();
  char go;
  ssize_t got;
  do got = ::recv(child.sync, &go, 1, 0);
  while (got < 0 && errno == EINTR);
  // The parent is gone or has given up: this container would not be recorded anywhere.
  return got == 1 ? Outcome{} : Outcome{EPIPE, 0};
}

// A process that may trace others in the container (CAP_SYS_PTRACE) can reach into any process it sees: take its
// descriptors, write its memory. So everything that needs privileges was done outside the pid namespace, and only a
// process with nothing more than the program will have enters it, for the moment until its execve. A filter must allow
// clone() and setsid(), as it does in any container that runs a shell.
Outcome step_inside(Child& child) {
  if (!child.plan.enters_last) return {};
  int gate[2];
  if (::pipe2(gate, O_CLOEXEC) != 0) return failed();
  int pidfd = -1;
  // Not clone3, which default filters refuse. A sibling of ours, so that our parent is notified of its end.
  const long pid = ::syscall(SYS_clone, CLONE_PARENT | CLONE_PIDFD, nullptr, &pidfd, nullptr, nullptr);
  if (pid < 0) return failed(1);
  if (pid > 0) {
    const bool told = send_report(child.sync, {ReportKind::moved, 0, 0, static_cast<std::int32_t>(pid)}, {}, pidfd);
    ::close(child.sync);  // its end, once the other process has called execve as well, shows that the program runs
    if (told) (void)!::write(gate[1], "g", 1);
    ::_exit(0);
  }
  ::close(gate[1]);
  char go;
  ssize_t got;
  do got = ::read(gate[0], &go, 1);
  while (got < 0 && errno == EINTR);
  if (got != 1) ::_exit(127);  // the parent does not know about us
  ::close(gate[0]);
  if (::setsid() < 0) return failed(2);
  if (child.plan.terminal && ::ioctl(0, TIOCSCTTY, 0) != 0) return failed(3);
  return {};
}

Outcome execute(Child& child) {
  // All our descriptors are close-on-exec; this covers those that a library of the caller opened without it.
  const auto first = static_cast<unsigned>(3 + child.plan.foreign.preserved);
  ::syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC);
  for (unsigned fd = 3; fd < first; ++fd) ::fcntl(static_cast<int>(fd), F_SETFD, 0);
  if (!tell(child, {ReportKind::executing, 0, 0, 0})) return failed();
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const auto program = static_cast<std::size_t>(child.program);
  // A user's filter may not allow the call; then there is no attendant.
  if (child.plan.attendant)
    ::syscall(SYS_execveat, child.plan.attendant.get(), "", child.plan.attendant_argv[program].data(),
              child.plan.environment.data(), AT_EMPTY_PATH);
  ::execve(child.plan.candidates[program].c_str(), child.plan.argv.data(), child.plan.environment.data());
  return failed(child.program);
}

}  // namespace consort::runtime::internal

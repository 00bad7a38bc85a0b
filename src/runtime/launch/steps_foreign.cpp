// Steps used only by foreign bundles: see foreign.hpp. The rules of steps_process.cpp apply here, too.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/launch/steps_list.hpp"

namespace consort::runtime::internal {

namespace {

Outcome failed(int argument = 0) {
  return {errno, argument};
}

int become_root() {
  if (::syscall(SYS_setresgid, 0, 0, 0) != 0) return -1;
  return static_cast<int>(::syscall(SYS_setresuid, 0, 0, 0));
}

// Namespaces that the caller may enter itself are entered first, before it gives up its privileges for those in the
// user namespace. A namespace that it may not enter (EPERM) belongs to the user namespace.
Outcome enter_around_user(const Prepared& plan) {
  bool entered[16] = {};
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < plan.join.size() && i < sizeof entered; ++i) {
      const bool user = plan.join_kinds[i] == CLONE_NEWUSER;
      if (entered[i] || (user && round == 0)) continue;
      if (!user && ::setns(plan.join[i].get(), plan.join_kinds[i]) != 0) {
        if (round == 1 || errno != EPERM) return failed(static_cast<int>(i));
        continue;
      }
      entered[i] = true;
    }
    if (round == 1) break;
    for (std::size_t i = 0; i < plan.join.size(); ++i)
      if (plan.join_kinds[i] == CLONE_NEWUSER && ::setns(plan.join[i].get(), CLONE_NEWUSER) != 0)
        return failed(static_cast<int>(i));
    if (become_root() != 0) return failed();
  }
  return {};
}

// A process in a user namespace cannot do this: set_rlimits() finds it done.
void raise_hard_limits(const Prepared& plan) {
  for (const Rlimit& wanted : plan.rlimits) {
    rlimit64 now{};
    if (::syscall(SYS_prlimit64, 0, wanted.resource, nullptr, &now) != 0 || now.rlim_max >= wanted.hard) continue;
    now.rlim_max = wanted.hard;
    ::syscall(SYS_prlimit64, 0, wanted.resource, &now, nullptr);
  }
}

}  // namespace

// New namespaces belong to the user namespace of the process that creates them. So if one is given, a process enters it
// and creates the container's first process from there, as a sibling.
Outcome nest(Child& child) {
  const Prepared& plan = child.plan;
  if (!plan.nested) return {};
  raise_hard_limits(plan);
  if (const Outcome entered = enter_around_user(plan); entered.error) return entered;
  int pidfd = -1;
  const unsigned long flags = plan.clone_flags | CLONE_PARENT | CLONE_PIDFD;
  const long pid = ::syscall(SYS_clone, flags, nullptr, &pidfd, nullptr, nullptr);
  if (pid < 0) return failed();
  if (pid == 0) return {};
  (void)send_report(child.sync, {ReportKind::moved, 0, 0, static_cast<std::int32_t>(pid)}, {}, pidfd);
  ::_exit(0);
}

// Takes effect at the next execve. The files are opened, written and closed here so that "self" is this process.
Outcome set_labels(Child& child) {
  const ForeignPlan& foreign = child.plan.foreign;
  const auto write_label = [](const char* path, const std::string& text) {
    const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int saved = errno;
    ::close(fd);
    errno = saved;
    return written;
  };
  const char* const own = "/proc/self/attr/apparmor/exec";  // since Linux 5.8
  const char* const shared = "/proc/self/attr/exec";
  if (!foreign.apparmor.empty() && !write_label(own, foreign.apparmor) && !write_label(shared, foreign.apparmor))
    return failed(0);
  if (!foreign.selinux.empty() && !write_label(shared, foreign.selinux)) return failed(1);
  return {};
}

Outcome set_first_processors(Child& child) {
  const auto& set = child.plan.foreign.first_processors;
  if (set.empty()) return {};
  return ::syscall(SYS_sched_setaffinity, 0, set.size(), set.data()) >= 0 ? Outcome{} : failed();
}

// Its offsets can be written only while it has no processes, which is why clone3 cannot create it.
Outcome new_time_namespace(Child& child) {
  const ForeignPlan& foreign = child.plan.foreign;
  if (!foreign.unshare_time) return {};
  if (::unshare(CLONE_NEWTIME) != 0) return failed(0);
  if (!foreign.clock_offsets.empty()) {
    if (!send_report(child.sync, {ReportKind::time_me, 0, 0, 0})) return failed(1);
    if (!hear_go(child)) return {EPIPE, 1};
  }
  const int fd = ::open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || ::setns(fd, CLONE_NEWTIME) != 0) return failed(2);
  ::close(fd);
  return {};
}

// After the mounts and before the change of root, as OCI requires for prestart, createRuntime and createContainer.
Outcome pause_for_hooks(Child& child) {
  if (!child.plan.foreign.pauses) return {};
  if (!send_report(child.sync, {ReportKind::hooks, 0, 0, 0})) return failed();
  return hear_go(child) ? Outcome{} : Outcome{EPIPE, 0};
}

// While the privileges are still there. The personality only affects how the machine looks to the program.
Outcome set_scheduling(Child& child) {
  const ForeignPlan& foreign = child.plan.foreign;
  if (!foreign.processors.empty() &&
      ::syscall(SYS_sched_setaffinity, 0, foreign.processors.size(), foreign.processors.data()) < 0)
    return failed(0);
  if (foreign.scheduler) {
    struct {
      std::uint32_t size, policy;
      std::uint64_t flags;
      std::int32_t nice;
      std::uint32_t priority;
      std::uint64_t runtime, deadline, period;
    } attributes{};  // struct sched_attr
    attributes.size = sizeof attributes;
    attributes.policy = foreign.scheduler->policy;
    attributes.flags = foreign.scheduler->flags;
    attributes.nice = foreign.scheduler->nice;
    attributes.priority = foreign.scheduler->priority;
    attributes.runtime = foreign.scheduler->runtime;
    attributes.deadline = foreign.scheduler->deadline;
    attributes.period = foreign.scheduler->period;
    if (::syscall(SYS_sched_setattr, 0, &attributes, 0) != 0) return failed(1);
  }
  if (foreign.io_priority) {
    constexpr int who_process = 1, class_shift = 13;
    const int value = foreign.io_priority->level << class_shift | foreign.io_priority->priority;
    if (::syscall(SYS_ioprio_set, who_process, 0, value) != 0) return failed(2);
  }
  if (foreign.personality && ::personality(*foreign.personality) < 0) return failed(3);
  return {};
}

// The filter that has just been loaded may notify on every call that sends a descriptor. So the number is sent with
// write(), and the other side takes the descriptor out of this process.
Outcome report_listener(Child& child, int listener) {
  child.by_write = true;
  if (!tell(child, {ReportKind::listener, 0, 0, listener})) return failed();
  if (!hear_go(child)) return {EPIPE, 0};
  ::close(listener);
  return {};
}

namespace {

// A signal that would kill a program that has not started yet ends its container.
void end_of_who_waits(int signal) {
  ::_exit(128 + signal);
}

void listen_to_signals(bool on) {
  constexpr int deadly[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,   SIGUSR1, SIGUSR2, SIGALRM,
                            SIGPIPE, SIGPOLL, SIGPROF, SIGVTALRM, SIGABRT, SIGTRAP, SIGSYS};
  struct sigaction action {};
  action.sa_handler = on ? end_of_who_waits : SIG_DFL;
  sigfillset(&action.sa_mask);
  for (const int signal : deadly) ::sigaction(signal, &action, nullptr);
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(on ? SIG_UNBLOCK : SIG_BLOCK, &all, nullptr);
}

}  // namespace

// The creator reports when the container is recorded, and exits: before that, we die with it. Uses only read() and
// write(), because a filter may already be active.
Outcome wait_at_gate(Child& child) {
  child.by_write = true;
  if (!tell(child, {ReportKind::ready, 0, 0, 0})) return failed();
  if (!hear_go(child)) return {EPIPE, 0};
  listen_to_signals(true);
  ::close(child.sync);
  char go;
  ssize_t got;
  do got = ::read(child.plan.foreign.gate, &go, 1);
  while (got < 0 && errno == EINTR);
  listen_to_signals(false);
  child.sync = child.plan.foreign.answer;
  if (got != 1) return {EPIPE, 0};
  return child.plan.foreign.has_program ? Outcome{} : Outcome{ENOEXEC, 0};
}

}  // namespace consort::runtime::internal

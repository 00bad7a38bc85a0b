// The order of the steps. If a step looks movable, the comment at its function says why it is not.
#include "runtime/launch/steps.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/os/processes/inherited.hpp"
#include "runtime/launch/child_files.hpp"
#include "runtime/launch/steps_list.hpp"

namespace consort::runtime::internal {

namespace {

constexpr std::array container_table = {
    Step{StepId::oom_score, "set oom_score_adj", set_oom_score},
    Step{StepId::nest, "enter user namespace", nest},
    Step{StepId::labels, "set label", set_labels},
    Step{StepId::guard, "protect itself", guard_self},
    Step{StepId::cgroups, "enter cgroup", join_cgroups},
    Step{StepId::map_users, "map users", wait_for_maps},
    Step{StepId::join_namespaces, "join namespace", join_namespaces},
    Step{StepId::cgroup_namespace, "create cgroup namespace", new_cgroup_namespace},
    Step{StepId::time_namespace, "create time namespace", new_time_namespace},
    Step{StepId::session, "create session", new_session},
    Step{StepId::loopback, "bring up loopback interface", loopback_up},
    Step{StepId::names, "set hostname", set_names},
    Step{StepId::propagation, "separate mounts from the host's", stop_propagation},
    Step{StepId::attach_root, "attach root file system", attach_root},
    Step{StepId::mounts, "mount", make_mounts},
    Step{StepId::devices, "create device", make_devices},
    Step{StepId::console, "open terminal", open_console},
    Step{StepId::sysctls, "write sysctl", write_sysctls},
    Step{StepId::hooks, "wait for hooks", pause_for_hooks},
    Step{StepId::pivot, "change root", pivot},
    Step{StepId::readonly_paths, "make read-only", cover_readonly},
    Step{StepId::masked_paths, "mask", cover_masked},
    // The working directory may have to be created in the root, so the root is sealed after it.
    Step{StepId::working_directory, "change to working directory", enter_directory},
    Step{StepId::root_readonly, "make root read-only", seal_root},
    Step{StepId::stdio, "connect standard streams", connect_stdio},
    Step{StepId::rlimits, "set resource limit", set_rlimits},
    Step{StepId::scheduling, "set scheduling", set_scheduling},
    Step{StepId::early_filter, "load seccomp filter", filter_early},
    Step{StepId::user, "change user", become_user},
    Step{StepId::capabilities, "set capabilities", set_capabilities},
    Step{StepId::parent_death, "tie to its starter", tie_to_parent},
    Step{StepId::late_filter, "load seccomp filter", filter_late},
    Step{StepId::find_program, "find program", find_program},
    Step{StepId::ready, "wait for start", wait_for_start},
    Step{StepId::exec, "execute", execute},
};

constexpr std::array exec_table = {
    Step{StepId::oom_score, "set oom_score_adj", set_oom_score},
    Step{StepId::labels, "set label", set_labels},
    Step{StepId::first_processors, "set processors", set_first_processors},
    Step{StepId::guard, "protect itself", guard_self},
    Step{StepId::cgroups, "enter cgroup", join_cgroups},
    Step{StepId::pid_namespace, "join pid namespace", choose_pid_namespace},
    Step{StepId::join_namespaces, "join namespaces", join_process},
    Step{StepId::session, "create session", new_session},
    Step{StepId::console, "open terminal", open_console},
    Step{StepId::working_directory, "change to working directory", enter_directory},
    Step{StepId::stdio, "connect standard streams", connect_stdio},
    Step{StepId::rlimits, "set resource limit", set_rlimits},
    Step{StepId::scheduling, "set scheduling", set_scheduling},
    Step{StepId::early_filter, "load seccomp filter", filter_early},
    Step{StepId::user, "change user", become_user},
    Step{StepId::capabilities, "set capabilities", set_capabilities},
    Step{StepId::late_filter, "load seccomp filter", filter_late},
    Step{StepId::find_program, "find program", find_program},
    Step{StepId::ready, "wait for start", wait_for_start},
    Step{StepId::step_inside, "enter pid namespace", step_inside},
    Step{StepId::exec, "execute", execute},
};

// The kernel's version of a signal action; glibc refuses 32 and 33, which it reserves.
struct KernelAction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  unsigned long mask;
};

// The caller ignores SIGPIPE and may have handlers; a new program starts with the defaults.
void reset_signals() {
  const KernelAction action{SIG_DFL, 0, nullptr, 0};
  for (int signal = 1; signal <= 64; ++signal)
    ::syscall(SYS_rt_sigaction, signal, &action, nullptr, sizeof action.mask);
}

}  // namespace

std::span<const Step> container_steps() {
  return container_table;
}
std::span<const Step> exec_steps() {
  return exec_table;
}

bool send_report(int socket, const Report& report, std::string_view text, int descriptor) {
  iovec parts[2] = {{const_cast<Report*>(&report), sizeof report},
                    {const_cast<char*>(text.data()), std::min(text.size(), max_report_text)}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) >= 0;
}

bool tell(const Child& child, const Report& report) {
  if (!child.by_write) return send_report(child.sync, report);
  return ::write(child.sync, &report, sizeof report) == ssize_t{sizeof report};
}

bool hear_go(const Child& child) {
  char go;
  ssize_t got;
  do got = ::read(child.sync, &go, 1);
  while (got < 0 && errno == EINTR);
  return got == 1;
}

void run_child(const Prepared& plan, std::span<const Step> steps, int sync) {
  close_all_but(plan.kept);
  reset_signals();
  if (!plan.foreign.to_the_letter) reset_scheduling();
  ::prctl(PR_SET_NAME, setting_up_name);
  Child child{.plan = plan, .sync = sync};
  for (const Step& step : steps) {
    const Outcome outcome = step.run(child);
    if (!outcome.error) continue;
    const Report report{ReportKind::failed, static_cast<std::uint32_t>(step.id), outcome.error, outcome.argument};
    (void)tell(child, report);
    break;
  }
  ::_exit(127);
}

}  // namespace consort::runtime::internal

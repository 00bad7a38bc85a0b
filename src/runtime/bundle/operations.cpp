// All operations on a container after its creation.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"
#include "runtime/bundle/container_directory.hpp"
#include "runtime/bundle/hooks.hpp"
#include "runtime/bundle/parts.hpp"
#include "runtime/exec.hpp"
#include "runtime/foreign.hpp"
#include "runtime/user.hpp"

namespace consort::runtime {

namespace {

using internal::ContainerDirectory;
using internal::HookCall;
using internal::HookPlace;

HookCall hook_call(const ContainerDirectory& container, std::string_view kind, BundleStatus status, HookPlace place) {
  return {kind, state_json(container.state_as(status)), container.record.bundle, place, container.record.pid};
}

std::unexpected<Error> not_running() {
  return fail(Code::conflict, "container not running");
}

bool has_processes(BundleStatus status) {
  return status == BundleStatus::created || status == BundleStatus::running || status == BundleStatus::paused;
}

// Opens the recorded process; fails if its pid now belongs to a different process.
Result<Fd> open_process(const ContainerDirectory& container) {
  Result<Fd> process = open_pidfd(container.record.pid);
  if (!process || !container.alive()) return not_running();
  return process;
}

// Without its own pid namespace, the end of the first process does not end the others.
bool others_outlive(const ContainerDirectory& container, const Spec& spec) {
  const Namespace* const pids = spec.find_namespace(NamespaceKind::pid);
  return !container.record.cgroup.empty() && (!pids || !pids->path.empty());
}

// Processes left over when the first process of a container without its own pid namespace has ended.
bool has_left_processes(const ContainerDirectory& container, const Spec& spec) {
  if (!container.record.own_cgroup || !others_outlive(container, spec)) return false;
  if (container.status() != BundleStatus::stopped) return false;
  return !Cgroup::open(container.record.cgroup).pids().value_or(std::vector<pid_t>()).empty();
}

Result<> kill_and_wait(const ContainerDirectory& container) {
  const Result<Fd> process = open_process(container);
  if (!process) return {};
  if (!container.record.cgroup.empty()) (void)Cgroup::open(container.record.cgroup).thaw();
  (void)send_signal(process->get(), SIGKILL);
  constexpr int patience_ms = 10'000;
  pollfd wait{process->get(), POLLIN, 0};
  if (::poll(&wait, 1, patience_ms) != 1)
    return fail(Error(Code::busy, "container init still running").on(container.id()));
  return {};
}

// The specification leaves open which environment a hook without one has. Hooks that run in place of the program get
// the program's environment, as in runc.
Result<> give_environment(Spec& spec, pid_t pid) {
  if (spec.hooks.start_container.empty()) return {};
  std::vector<std::string> environment = spec.process.env;
  if (std::ranges::none_of(environment, [](const std::string& entry) { return entry.starts_with("HOME="); })) {
    const Fd root = TRY(open_file("/proc/" + std::to_string(pid) + "/root", O_PATH | O_DIRECTORY));
    environment.push_back("HOME=" + TRY(resolve_user(root.get(), std::to_string(spec.process.user.uid), {})).home);
  }
  for (Hook& hook : spec.hooks.start_container)
    if (hook.env.empty()) hook.env = environment;
  return {};
}

// Fields that are missing in the description of another process are taken from the container.
Process completed(Process wanted, const Process& first) {
  if (!wanted.capabilities) wanted.capabilities = first.capabilities.value_or(Capabilities());
  if (!wanted.scheduler) wanted.scheduler = first.scheduler;
  if (!wanted.io_priority) wanted.io_priority = first.io_priority;
  if (!wanted.oom_score_adj) wanted.oom_score_adj = first.oom_score_adj;
  if (wanted.rlimits.empty()) wanted.rlimits = first.rlimits;
  if (wanted.apparmor_profile.empty()) wanted.apparmor_profile = first.apparmor_profile;
  if (wanted.selinux_label.empty()) wanted.selinux_label = first.selinux_label;
  if (wanted.initial_affinity.empty() && wanted.final_affinity.empty()) {
    wanted.initial_affinity = first.initial_affinity;
    wanted.final_affinity = first.final_affinity;
  }
  return wanted;
}

}  // namespace

Result<> BundleRuntime::start(const std::string& id) {
  ContainerDirectory container = TRY(ContainerDirectory::lock(root_, id));
  switch (container.status()) {
    case BundleStatus::created:
      break;
    case BundleStatus::stopped:
      return fail(Code::conflict, "cannot start a container that has stopped");
    case BundleStatus::creating:
      return fail(Code::conflict, "cannot start a container that is still being created");
    case BundleStatus::running:
    case BundleStatus::paused:
      return fail(Code::conflict, "cannot start an already running container");
  }
  Spec spec = TRY(container.config());
  if (!spec.has_process) {
    (void)kill_and_wait(container);  // it can never be started
    return fail(Error(Code::invalid, "cannot start a container").why("its config.json has no process"));
  }
  TRY(give_environment(spec, container.record.pid));
  Result<> hooked = internal::run_hooks(
      spec.hooks.start_container, hook_call(container, "startContainer", BundleStatus::created, HookPlace::container));
  if (!hooked) {
    (void)kill_and_wait(container);
    return hooked;
  }
  TRY(start_at_gate(container.directory(), spec.process));
  container.record.started = true;
  TRY(container.save());
  internal::run_all_hooks(spec.hooks.poststart,
                          hook_call(container, "poststart", BundleStatus::running, HookPlace::runtime), warn_);
  return {};
}

Result<BundleState> BundleRuntime::state(const std::string& id) const {
  return TRY(ContainerDirectory::look(root_, id)).state();
}

Result<Spec> BundleRuntime::config(const std::string& id) const {
  return TRY(ContainerDirectory::look(root_, id)).config();
}

Result<> BundleRuntime::kill(const std::string& id, int signal, bool everyone) {
  const ContainerDirectory container = TRY(ContainerDirectory::look(root_, id));
  const bool has_group = !container.record.cgroup.empty();
  const BundleStatus status = container.status();
  if (everyone && has_group) {
    // Also for processes left by a stopped container: containerd's shims request that.
    const Cgroup group = Cgroup::open(container.record.cgroup);
    if (signal == SIGKILL) return group.kill_all();
    for (const pid_t pid : TRY(group.pids())) (void)::kill(pid, signal);
    return {};
  }
  const Spec spec = TRY(container.config());
  if (signal == SIGKILL && has_left_processes(container, spec)) return Cgroup::open(container.record.cgroup).kill_all();
  if (!has_processes(status)) return not_running();
  const Fd process = TRY(open_process(container));
  if (const Result<> sent = send_signal(process.get(), signal); !sent) return not_running();
  if (signal == SIGKILL && others_outlive(container, spec)) return Cgroup::open(container.record.cgroup).kill_all();
  if (signal == SIGKILL && status == BundleStatus::paused) (void)Cgroup::open(container.record.cgroup).thaw();
  return {};
}

Result<> BundleRuntime::remove(const std::string& id, Removal removal) {
  Result<ContainerDirectory> found = ContainerDirectory::lock(root_, id);
  if (!found && removal == Removal::forced && found.error().code() == Code::not_found) return {};
  if (!found) return fail(std::move(found).error());
  const ContainerDirectory& container = *found;
  const BundleStatus status = container.status();
  if (has_processes(status) && removal == Removal::stopped_only)
    return fail(Error(Code::conflict, "cannot delete container " + id + " that is not stopped")
                    .on(std::string(to_string(status)))
                    .hint("kill it first, or use --force"));
  if (container.alive()) TRY(kill_and_wait(container));
  const internal::Record& record = container.record;
  if (!record.cgroup.empty()) {
    const Cgroup group = Cgroup::open(record.cgroup);
    if (record.own_cgroup) {
      TRY(group.remove());
    } else if (!TRY(group.pids()).empty() && record.pid > 0) {
      warn_("cgroup " + record.cgroup + " was there before the container, and stays");
    }
  }
  if (record.host_mounts) internal::unmount_root(record.rootfs);
  HookCall call = hook_call(container, "poststop", BundleStatus::stopped, HookPlace::runtime);
  const Result<Spec> spec = container.config();
  TRY(container.remove());
  if (spec) internal::run_all_hooks(spec->hooks.poststop, call, warn_);
  return {};
}

Result<pid_t> BundleRuntime::exec(const BundleExec& exec, Fd* console) {
  const ContainerDirectory container = TRY(ContainerDirectory::look(root_, exec.id));
  const BundleStatus status = container.status();
  if (status == BundleStatus::stopped || status == BundleStatus::creating)
    return fail(Code::conflict, "cannot exec in a stopped container");
  if (status == BundleStatus::paused && !exec.ignore_paused)
    return fail(Error(Code::conflict, "cannot exec in a paused container").hint("use --ignore-paused"));
  const Spec spec = TRY(container.config());
  const Fd process = TRY(open_process(container));
  ExecOptions options;
  options.pid = container.record.pid;
  options.pidfd = process.get();
  options.cgroup_path = container.record.cgroup;
  options.groups_below = exec.cgroups;
  options.stdio = exec.stdio;
  const internal::BundleFilter filter =
      TRY(internal::compile_filter(TRY(read_file(container.path("config.json"))), container.path("config.json")));
  ForeignBundle foreign;
  foreign.preserved = exec.preserved;
  foreign.filter_flags = filter.flags;
  foreign.personality = spec.linux_.personality;
  if (!filter.listener_path.empty()) foreign.listener = internal::listener_sender(container.state(), filter);
  options.foreign = &foreign;
  if (path_exists(container.path("seccomp.bpf"))) options.seccomp_bpf = container.path("seccomp.bpf");
  const Process wanted = completed(exec.process, spec.process);
  Launch launch = TRY(begin_exec(wanted, options));
  TRY(launch.wait_for(Launch::State::ready));
  if (exec.process.terminal) {
    Fd master = launch.take_console();
    if (!exec.console_socket.empty())
      TRY_WRAP(internal::send_descriptor(exec.console_socket, "/dev/ptmx", master.get()), "send terminal");
    else if (console)
      *console = std::move(master);
  }
  if (!exec.pidfd_socket.empty())
    TRY_WRAP(internal::send_descriptor(exec.pidfd_socket, "pidfd", launch.pidfd()), "send process");
  TRY(launch.start());
  TRY(launch.wait_for(Launch::State::started));
  return launch.pid();
}

Result<std::vector<BundleState>> BundleRuntime::list() const {
  std::vector<BundleState> states;
  Result<std::vector<std::string>> names = list_directory(root_);
  if (!names && names.error().code() == Code::not_found) return states;
  if (!names) return fail(std::move(names).error());
  std::ranges::sort(*names);
  for (const std::string& name : *names)
    if (const Result<ContainerDirectory> container = ContainerDirectory::look(root_, name))
      states.push_back(container->state());
  return states;
}

Result<Cgroup> BundleRuntime::cgroup(const std::string& id) const {
  const ContainerDirectory container = TRY(ContainerDirectory::look(root_, id));
  if (container.record.cgroup.empty()) return fail(Error(Code::unsupported, "container has no cgroup").on(id));
  return Cgroup::open(container.record.cgroup);
}

Result<std::vector<pid_t>> BundleRuntime::pids(const std::string& id) const {
  return TRY(cgroup(id)).pids();
}

Result<> BundleRuntime::pause(const std::string& id) {
  const ContainerDirectory container = TRY(ContainerDirectory::lock(root_, id));
  const BundleStatus status = container.status();
  if (status != BundleStatus::created && status != BundleStatus::running)
    return fail(Error(Code::conflict, "container not running").on(std::string(to_string(status))));
  return TRY(cgroup(id)).freeze();
}

Result<> BundleRuntime::resume(const std::string& id) {
  const ContainerDirectory container = TRY(ContainerDirectory::lock(root_, id));
  if (container.status() != BundleStatus::paused) return fail(Code::conflict, "container not paused");
  return TRY(cgroup(id)).thaw();
}

Result<> BundleRuntime::update(const std::string& id, const Resources& resources) {
  const ContainerDirectory container = TRY(ContainerDirectory::lock(root_, id));
  if (!has_processes(container.status())) return not_running();
  std::vector<std::string> warnings;
  Result<> updated = TRY(cgroup(id)).update(resources, warnings);
  for (const std::string& warning : warnings) warn_(warning);
  return updated;
}

}  // namespace consort::runtime

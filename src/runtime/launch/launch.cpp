#include "runtime/launch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/os/files/file.hpp"
#include "runtime/launch/launch_protocol.hpp"
#include "runtime/launch/prepare.hpp"

namespace consort::runtime {

Launch::Launch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Launch::Launch(Launch&&) noexcept = default;
Launch& Launch::operator=(Launch&&) noexcept = default;
Launch::~Launch() = default;

pid_t Launch::pid() const {
  return impl_->plan.nested && !impl_->moved ? 0 : impl_->pid;
}
int Launch::pidfd() const {
  return impl_->pidfd.get();
}
int Launch::sync_fd() const {
  return impl_->sync.get();
}
pid_t Launch::release_helper() {
  return impl_->release_helper();
}
Fd Launch::take_pidfd() {
  return std::move(impl_->pidfd);
}
Fd Launch::take_console() {
  return std::move(impl_->console);
}
Fd Launch::take_root() {
  return std::move(impl_->root ? impl_->root : impl_->plan.root);
}
const std::string& Launch::cgroup_path() const {
  return impl_->cgroup_path;
}
const std::vector<std::string>& Launch::warnings() const {
  return impl_->warnings;
}
Result<Launch::State> Launch::advance() {
  return impl_->advance();
}

namespace {

Result<> prepare_container(const Spec& spec, const LaunchOptions& options, const Cgroup* cgroup,
                           internal::Prepared& plan) {
  TRY(internal::prepare_namespaces(spec, options, plan));
  TRY(internal::prepare_root(spec, options, plan));
  TRY(internal::prepare_mounts(spec, options, cgroup, plan));
  internal::prepare_devices(spec, plan);
  internal::prepare_sysctls(spec, plan);
  const auto init = spec.annotations.find(std::string(init_annotation));
  const bool with_init = init != spec.annotations.end() && init->second == "true";
  TRY(internal::prepare_process(spec.process, plan.root.get(), with_init, plan));
  plan.make_cwd = true;
  plan.die_with_parent = options.life == Life::of_its_starter;
  TRY(internal::prepare_stdio(options.stdio, plan));
  if (!options.foreign && !spec.linux_.uid_mappings.empty())
    internal::give_pipes(spec.linux_.uid_mappings.front().host_id, plan);
  TRY(internal::prepare_filter(options.seccomp_bpf, plan));
  if (options.foreign) TRY(internal::prepare_foreign(spec, options, plan));
  if (cgroup) TRY(internal::prepare_cgroup(*cgroup, plan));
  return {};
}

// A container with write access there creates its own cgroups: an engine, or systemd.
bool shows_writable_groups(const Spec& spec) {
  return std::ranges::any_of(spec.mounts, [](const Mount& mount) {
    return (mount.type == "cgroup" || mount.type == "cgroup2") &&
           std::ranges::find(mount.options, "ro") == mount.options.end();
  });
}

Result<> make_cgroup(const Spec& spec, const LaunchOptions& options, Launch::Impl& impl) {
  if (options.cgroup == CgroupUse::none) return {};
  const std::string path = spec.linux_.cgroups_path.empty() ? "/consort/" + options.id : spec.linux_.cgroups_path;
  const GroupBreadth breadth =
      options.foreign || shows_writable_groups(spec) ? GroupBreadth::all : GroupBreadth::needed;
  Result<Cgroup> cgroup = Cgroup::create(path, spec.linux_.resources, impl.warnings, breadth);
  if (!cgroup && options.cgroup == CgroupUse::best_effort) {
    impl.warnings.push_back("no cgroup, no limits: " + cgroup.error().message());
    return {};
  }
  if (!cgroup) return fail(std::move(cgroup).error());
  impl.own_cgroup = std::move(*cgroup);
  impl.cgroup_path = impl.own_cgroup->path();
  return {};
}

}  // namespace

Result<Launch> Launch::begin(const Spec& spec, const LaunchOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->child_of = options.child_of;
  if (!options.foreign && (spec.hooks.any() || !spec.has_process))
    return fail(Error(Code::unsupported, "start container")
                    .why("a bundle with hooks or without a process is for `consort runtime`"));
  if (options.foreign) {
    impl->before_pivot = options.foreign->before_pivot;
    impl->listener = options.foreign->listener;
  }
  impl->uid_mappings = spec.linux_.uid_mappings;
  impl->gid_mappings = spec.linux_.gid_mappings;
  TRY(make_cgroup(spec, options, *impl));
  std::optional<Cgroup>& own_cgroup = impl->own_cgroup;
  TRY(prepare_container(spec, options, own_cgroup ? &*own_cgroup : nullptr, impl->plan));
  TRY(impl->spawn(internal::container_steps()));
  return Launch(std::move(impl));
}

Result<> Launch::start() {
  if (impl_->state != State::ready) return fail(Code::internal, "start container", "before it is ready");
  if (::send(impl_->sync.get(), "g", 1, MSG_NOSIGNAL) == 1) {
    if (impl_->plan.foreign.gate >= 0) impl_->finished = true;  // it waits at its gate, for a process other than us
    return {};
  }
  // The child is gone; advance() says why.
  return errno == EPIPE || errno == ECONNRESET ? Result<>() : fail_errno("start container");
}

Result<> Launch::wait_for(State state) {
  while (true) {
    const State now = TRY(advance());
    if (now == state || now == State::started) return {};
    pollfd wait{sync_fd(), POLLIN, 0};
    if (::poll(&wait, 1, -1) < 0 && errno != EINTR) return fail_errno("wait for container");
  }
}

namespace {

enum class Awaited { ended, cancelled };

Result<Awaited> wait_for_end(int pidfd, int cancel_fd) {
  pollfd waits[2] = {{pidfd, POLLIN, 0}, {cancel_fd, POLLIN, 0}};
  while (true) {
    if (::poll(waits, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return fail_errno("wait for container");
    }
    if (waits[0].revents) return Awaited::ended;
    if (waits[1].revents) return Awaited::cancelled;
  }
}

}  // namespace

Result<RunOutcome> run_to_end(const Spec& spec, const LaunchOptions& options, int cancel_fd) {
  if (options.child_of != ChildOf::caller) return fail(Code::internal, "run container", "that is not ours");
  LaunchOptions tied = options;
  tied.life = Life::of_its_starter;
  Launch launch = TRY(Launch::begin(spec, tied));
  TRY(launch.wait_for(Launch::State::ready));
  TRY(launch.start());
  TRY(launch.wait_for(Launch::State::started));
  ChildGuard child(launch.pid());
  const std::string cgroup_path = launch.cgroup_path();
  const auto clean = [&cgroup_path]() -> Result<std::uint64_t> {
    if (cgroup_path.empty()) return 0;
    const Cgroup cgroup = Cgroup::open(cgroup_path);
    const std::uint64_t kills = cgroup.oom_kills();
    TRY(cgroup.remove());
    return kills;
  };
  Result<Awaited> awaited = wait_for_end(launch.pidfd(), cancel_fd);
  if (!awaited || *awaited == Awaited::cancelled) {
    { const ChildGuard kill = std::move(child); }
    (void)clean();
    if (!awaited) return fail(std::move(awaited).error());
    return fail(Code::interrupted, "run container", options.id);
  }
  RunOutcome outcome;
  outcome.status = TRY(child.wait());
  outcome.oom_killed = TRY(clean()) > 0;
  return outcome;
}

}  // namespace consort::runtime

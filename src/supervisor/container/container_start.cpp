// Container: from the start request to a running process.
#include <fcntl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/volume_part.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/inspect.hpp"
#include "runtime/spec.hpp"
#include "supervisor/api_socket.hpp"
#include "supervisor/container/container.hpp"
#include "supervisor/container/unit_parts.hpp"
#include "supervisor/log/ship/shipper.hpp"
#include "supervisor/ship_unit.hpp"

namespace consort::supervisor {

using std::chrono::steady_clock;

namespace {

// The same end of a pipe, but opened for reading as well: docs/decisions/0080. Without keeper and supervisor the other
// end would be closed; a write would kill the container (SIGPIPE), and the data in the pipe would be lost.
Result<Fd> with_a_reader(const Fd& write_end) {
  return open_file("/proc/self/fd/" + std::to_string(write_end.get()), O_RDWR);
}

// Binds a part of a volume as it is now, without following links that a container may have put there meanwhile.
Result<> hold_parts_of_volumes(const Roots& roots, runtime::Spec& spec, std::vector<Fd>& held) {
  for (runtime::Mount& mount : spec.mounts) {
    std::optional<Fd> part = TRY(open_part_of_volume(roots, mount.source));
    if (!part) continue;
    held.push_back(std::move(*part));
    mount.source = "/proc/self/fd/" + std::to_string(held.back().get());
  }
  return {};
}

// The other containers' current namespaces: the restart policy may have restarted them since the bundle was written.
Result<> join_donors(Context& context, runtime::Spec& spec, std::vector<Fd>& held) {
  using enum runtime::NamespaceKind;
  for (runtime::Namespace& joined : spec.linux_.namespaces) {
    if (joined.path.empty() || (joined.kind != pid && joined.kind != ipc)) continue;
    const auto key = joined.kind == pid ? runtime::pid_of_annotation : runtime::ipc_of_annotation;
    const auto donor = spec.annotations.find(std::string(key));
    if (donor == spec.annotations.end()) continue;
    held.push_back(TRY(open_namespace_of(context, donor->second, joined.kind == pid ? "pid" : "ipc")));
    joined.path = "/proc/self/fd/" + std::to_string(held.back().get());
  }
  return {};
}

// Called before anything is mounted, and again at each start: after a reboot the file does not exist.
Result<> open_api_for(Context& context, const runtime::Spec& spec) {
  const std::string socket = api_socket_path(context.run_directory);
  const auto is_it = [&](const runtime::Mount& mount) { return mount.source == socket; };
  return std::ranges::any_of(spec.mounts, is_it) ? context.open_api() : Result<>();
}

}  // namespace

void Container::start(StartDone done, MadeAhead made) {
  if (phase_ == Phase::running && !record_.state.stopping) return done(StartOutcome{{}, std::nullopt});
  start_waiters_.push_back(std::move(done));
  if (phase_ == Phase::launching) return;
  if (phase_ == Phase::running) {  // it is stopping; start it again afterwards
    if (record_.after_stop == AfterStop::nothing) record_.after_stop = AfterStop::start;
    return save();
  }
  context_.loop.cancel(std::exchange(restart_timer_, 0));
  // A manual start resets the restart count.
  record_.state.restart_count = 0;
  record_.state.manually_stopped = false;
  backoff_.reset();
  made_ = std::move(made);
  launch();
}

void Container::launch() {
  phase_ = Phase::launching;
  record_.state.error.clear();
  record_.state.oom_killed = false;
  record_.stop.reset();
  record_.state.stopping = false;
  run_ = std::make_unique<Run>();
  if (!context_.cleaner.busy_with(unit_.id)) return launch_now();
  context_.cleaner.when_done(unit_.id, [context = &context_, id = unit_.id] {
    Container* const container = context->find(id);
    // It may have been stopped meanwhile, or stopped and started again.
    const bool waits = container != nullptr && container->phase_ == Phase::launching && !container->run_->network;
    if (waits) container->launch();
  });
}

void Container::launch_now() {
  run_->network = std::make_unique<ContainerNetwork>(context_);
  run_->network->acquire(unit_, std::move(made_.sandbox), [this](Result<> acquired) {
    auto spec = acquired ? runtime::load_spec(unit_.bundle) : Result<runtime::Spec>(fail(std::move(acquired.error())));
    if (!spec) return on_failed(std::move(spec.error()));
    if (auto open = open_api_for(context_, *spec); !open) return on_failed(std::move(open.error()));
    choose_cgroup(*spec);
    clear_group([this, spec = std::move(*spec)]() mutable {
      if (auto begun = begin_launch(std::move(spec)); !begun) on_failed(std::move(begun.error()));
    });
  });
}

// Processes that are in its cgroup now were left by a killed supervisor, and would stay in the way.
void Container::clear_group(Cleaner::Done then) {
  const auto left = runtime::Cgroup::open(record_.state.cgroup).pids();
  if (!left || left->empty()) return then();
  context_.cleaner.remove_group(unit_.id, record_.state.cgroup);
  context_.cleaner.when_done(unit_.id, [alive = std::weak_ptr(run_->alive), then = std::move(then)]() mutable {
    if (!alive.expired()) then();  // otherwise it was stopped meanwhile
  });
}

// Its output goes to a file, and from there to a receiver if one is configured.
Result<> Container::open_log() {
  run_->pump = TRY(LogPump::open(context_.loop, unit_.log));
  run_->pump->on_trouble([this](const LogTrouble& trouble) { note_log_trouble(trouble); });
  shipper_.reset();  // the next one asks for the position of this one
  auto ship = TRY(read_ship_unit(unit_.log.path));
  if (!ship) return {};
  const std::string driver = ship->driver;
  shipper_ = std::make_unique<LogShipper>(context_.loop, unit_.log.path, std::move(*ship));
  shipper_->on_trouble([this, driver](const std::string& why) {
    const std::string text = why.empty() ? driver + "_logged" : driver + "_failing: " + why;
    log_line(label() + ": " + text);
    note(text, {});
  });
  run_->pump->on_moved([this] { shipper_->poke(); });
  return {};
}

// The child's ends of the pipes are closed once the launch has begun; copies of ours go to the keeper.
Result<> Container::prepare_stdio(runtime::LaunchOptions& options, std::vector<Fd>& child_ends) {
  TRY(open_log());
  if (unit_.tty) return {};
  for (const LogStream stream : {LogStream::out, LogStream::err}) {
    Pipe pipe = TRY(make_pipe());
    TRY(set_nonblocking(pipe.read.get()));
    context_.keeper.put(key(stream == LogStream::out ? "stdout" : "stderr"), pipe.read.get());
    child_ends.push_back(TRY(with_a_reader(pipe.write)));
    (stream == LogStream::out ? options.stdio.out : options.stdio.err) = child_ends.back().get();
    TRY(run_->pump->add_pipe(std::move(pipe.read), stream));
  }
  if (!unit_.open_stdin) return {};
  Pipe pipe = TRY(make_pipe());
  context_.keeper.put(key("stdin"), pipe.write.get());
  options.stdio.in = pipe.read.get();
  child_ends.push_back(std::move(pipe.read));
  run_->input = std::move(pipe.write);
  return {};
}

runtime::ExternalRuntime Container::external_runtime() const {
  return runtime::ExternalRuntime{unit_.runtime, context_.roots.run + "/runtimes"};
}

// Next to our own cgroup, if systemd delegated a subtree to us. An external runtime reads the bundle itself, and a
// cgroup chosen in the user's file is kept.
void Container::choose_cgroup(runtime::Spec& spec) {
  const std::string ordinary = "/consort/" + unit_.id;
  if (unit_.runtime.empty() && spec.linux_.cgroups_path == ordinary)
    if (const std::string group = runtime::delegated_group(); !group.empty())
      spec.linux_.cgroups_path = group + "/" + unit_.id;
  record_.state.cgroup = spec.linux_.cgroups_path.empty() ? ordinary : spec.linux_.cgroups_path;
}

Result<> Container::begin_launch(runtime::Spec spec) {
  record_.host_links = run_->network->host_links();

  runtime::LaunchOptions options;
  options.id = unit_.id;
  options.bundle = unit_.bundle;
  options.overlay = overlay_root_of(unit_);
  const Fd root = std::move(made_.root);
  options.root_fd = root.get();
  options.netns_fd = run_->network->netns();
  options.child_of = runtime::ChildOf::sibling;
  // Without root there may be no cgroups, and then there are no limits; everything else works.
  if (in_user_namespace()) options.cgroup = runtime::CgroupUse::best_effort;
  const std::string filter = unit_.bundle + "/seccomp.bpf";
  if (path_exists(filter)) options.seccomp_bpf = filter;
  options.init_program = context_.init_program;
  std::vector<Fd> child_ends, held;
  TRY(join_donors(context_, spec, held));
  TRY(hold_parts_of_volumes(context_.roots, spec, held));
  TRY(prepare_stdio(options, child_ends));

  // After the clone there is a process that a successor has to kill and, once the firewall has rules for our ports,
  // rules that it has to remove.
  record_.launching = true;
  record_.told_ports = run_->network->bound_ports();
  TRY(write_record());
  run_->launch = std::make_unique<runtime::Launch>(
      TRY(unit_.runtime.empty() ? runtime::Launch::begin(spec, options)
                                : runtime::begin_external(external_runtime(), spec, options)));
  for (const std::string& warning : run_->launch->warnings()) log_line(label() + ": " + warning);
  run_->pid = run_->launch->pid();  // the pid of an external runtime's process is known when it is ready
  run_->sync_watch = TRY(context_.loop.add(run_->launch->sync_fd(), EPOLLIN, [this](std::uint32_t) { on_sync(); }));
  return {};
}

void Container::on_sync() {
  while (true) {
    auto state = run_->launch->advance();
    if (!state) return on_failed(std::move(state.error()));
    if (*state == runtime::Launch::State::started) return on_started();
    // `ready` is also reported between our go-ahead and the child's execve.
    if (*state == runtime::Launch::State::pending || std::exchange(run_->released, true)) return;
    run_->pid = run_->launch->pid();
    // Everything that must be in place before the container's program executes its first instruction: its names and
    // ports are served, and a successor would recognize its process.
    return run_->network->serve(unit_, [this](Result<> served) {
      if (served) served = release_to_exec();
      if (!served) on_failed(std::move(served.error()));
    });
  }
}

Result<> Container::release_to_exec() {
  if (unit_.tty) TRY(open_terminal());
  ObservedContainer& state = record_.state;
  state.pid = run_->pid;
  state.pid_started = TRY(process_start_time(run_->pid));
  state.cgroup = run_->launch->cgroup_path();
  state.ports = run_->network->shown_ports();
  state.addresses = addresses_of(unit_);
  record_.attached = attached_of(unit_);
  record_.oom_kills = runtime::Cgroup::open(state.cgroup).oom_kills();
  TRY(write_record());  // without a record, it could not be found or stopped
  if (context_.serve_names) context_.serve_names();
  return run_->launch->start();
}

Result<> Container::open_terminal() {
  run_->console = run_->launch->take_console();
  TRY(set_nonblocking(run_->console.get()));  // an external runtime's may block; and the container can empty it, too
  Pipe relay = TRY(make_pipe(O_NONBLOCK));
  context_.keeper.put(key("console"), run_->console.get());
  context_.keeper.put(key("relay_read"), relay.read.get());
  context_.keeper.put(key("relay_write"), relay.write.get());
  return run_->pump->add_terminal(run_->console.get(), std::move(relay));
}

void Container::on_started() {
  context_.loop.remove(std::exchange(run_->sync_watch, 0));
  run_->pidfd = run_->launch->take_pidfd();
  if (unit_.overlay) run_->root = run_->launch->take_root();
  if (const pid_t helper = run_->launch->release_helper(); helper != 0) context_.cleaner.reap(unit_.id, helper);
  run_->launch.reset();
  phase_ = Phase::running;
  ContainerState& state = record_.state;
  state.status = Status::running;
  state.started_at = system_now();
  state.finished_at.reset();
  state.exit_code.reset();
  state.health.status = unit_.health ? HealthStatus::starting : HealthStatus::none;
  state.health.failing_streak = 0;
  record_.launching = false;
  record_.restart_at_ms = -1;
  save();
  save_durable();
  note_networks("connect", unit_.endpoints);
  emit(EventKind::start);
  if (std::exchange(restarted_, false)) emit(EventKind::restart);
  watch_health(steady_clock::now());
  answer_start(StartOutcome{{}, std::nullopt});
  change_networks();
}

// Nothing of the run is left. The status stays as before (created, or exited from an earlier run).
void Container::on_failed(Error error) {
  const int exit_code = runtime::exit_code_of_failed_start(error);
  // A child that was created dies with its Launch; the keeper reports its exit for a pid that we no longer track.
  if (run_->pump) run_->pump->drain();
  release_run();
  phase_ = Phase::idle;
  if (context_.names_changed) context_.names_changed();
  record_.launching = false;
  ContainerState& state = record_.state;
  state.pid = 0;
  state.pid_started = 0;
  state.ports.clear();
  state.lost_ports.clear();
  if (state.status != Status::created) state.status = Status::exited;
  state.error = error.message();
  state.exit_code = exit_code;
  log_line(label() + ": " + state.error);
  const bool by_policy = start_waiters_.empty();
  if (by_policy) {
    // The restart policy's own attempt failed: that counts as an end like any other.
    state.finished_at = system_now();
    decide_restart(Outcome::never_ran);
  } else {
    save();
    save_durable();
  }
  answer_start(StartOutcome{fail(std::move(error)), exit_code});
  change_networks();
  tell_waiters();
}

void Container::answer_start(StartOutcome outcome) {
  // Each waiter gets the same answer; an Error cannot be copied, so it is rebuilt from its text.
  std::optional<Failure> failure;
  if (!outcome.result) failure = failure_of(outcome.result.error());
  for (StartDone& done : std::exchange(start_waiters_, {}))
    done(StartOutcome{failure ? Result<>(fail(error_of(*failure))) : Result<>(), outcome.exit_code});
}

Listening Container::listening() const {
  std::vector<std::uint16_t> ports = unit_.exposed_tcp_ports;
  for (const PortUnit& port : unit_.ports)
    if (port.protocol == "tcp") ports.push_back(port.container_port);
  if (ports.empty() || unit_.network_mode == NetworkMode::none) return Listening::not_needed;
  const auto open = runtime::listening_tcp_ports(record_.state.pid);
  if (!open) return Listening::no;
  Listening found = Listening::no;
  for (const runtime::ListeningPort& port : *open) {
    if (port.scope != runtime::ListenScope::reachable) continue;
    if (std::ranges::find(ports, port.port) != ports.end()) return Listening::yes;
    found = Listening::elsewhere;
  }
  return found;
}

void Container::watch_health(HealthMachine::Time started) {
  if (!unit_.health) return;
  HealthRunner::Hooks hooks;
  hooks.listening = [this] { return listening(); };
  hooks.kill = [this](ExecTable::Id id) { execs_.end(id); };
  hooks.start = [this](const std::vector<std::string>& argv, int output, ExecTable::OnStarted on_started,
                       ExecTable::OnEnded on_ended) -> Result<ExecTable::Id> {
    // Read again each time: some 60 KiB of config are not worth the memory between two checks.
    runtime::Spec spec = TRY(runtime::load_spec(unit_.bundle));
    spec.process.args = argv;
    spec.process.terminal = false;
    runtime::ExecOptions options;
    options.pid = run_->pid;
    options.pidfd = run_->pidfd.get();
    options.cgroup_path = record_.state.cgroup;
    options.stdio = runtime::StdioFds{-1, output, output};
    options.child_of = runtime::ChildOf::sibling;
    options.attendant = context_.init_program;
    const std::string filter = unit_.bundle + "/seccomp.bpf";
    if (path_exists(filter)) options.seccomp_bpf = filter;
    const auto number = std::make_shared<ExecTable::Id>(0);
    *number = TRY(execs_.begin(
        unit_.id, spec.process, options, std::move(on_started),
        [context = &context_, id = unit_.id, number, ended = std::move(on_ended)](std::optional<int> status) mutable {
          if (Container* const container = context->find(id)) container->note_exec_end(*number, status);
          ended(status);
        }));
    note_exec(argv_text(argv), *number);
    return *number;
  };
  hooks.on_result = [this](HealthChange change) {
    record_.state.health = run_->health->state();
    save();
    if (change == HealthChange::status) emit(EventKind::health);
  };
  run_->health =
      std::make_unique<HealthRunner>(context_.loop, *unit_.health, record_.state.health, started, std::move(hooks));
}

}  // namespace consort::supervisor

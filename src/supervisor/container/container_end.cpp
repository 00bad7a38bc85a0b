// Container: stopping it, the work after its end, and restarting it.
#include <poll.h>
#include <signal.h>

#include <cerrno>

#include <utility>

#include "base/deadline.hpp"
#include "base/os/processes/process.hpp"
#include "runtime/cgroup.hpp"
#include "supervisor/container/container.hpp"
#include "supervisor/log/ship/shipper.hpp"

namespace consort::supervisor {
namespace {

using std::chrono::steady_clock;

std::int64_t to_ms(steady_clock::time_point time) {
  return std::chrono::duration_cast<Milliseconds>(time.time_since_epoch()).count();
}

// The kernel dismantles a namespace some time after its last user is gone, and until then refuses to give the address
// of such an interface to the next one: to this container when it restarts, or to its successor. So it is removed here
// and not by the cleaner, because a client that is notified of the end may start the container at once.
void remove_faces(const ContainerUnit& unit, int netns) {
  std::vector<std::string> faces;
  for (const EndpointUnit& endpoint : unit.endpoints)
    if (!endpoint.parent.empty()) faces.push_back(endpoint.ifname);
  if (faces.empty() || unit.network_mode != NetworkMode::sandbox || netns < 0) return;
  if (const auto removed = remove_links(netns, faces); !removed) log_line(unit.name + ": " + removed.error().message());
}

}  // namespace

void Container::stop(std::optional<Milliseconds> timeout, std::optional<int> signal, Done done) {
  // A shutdown of the machine is not a user's request: containers that were running must run again after the next boot.
  if (!context_.shutting_down) record_.state.manually_stopped = true;
  record_.after_stop = AfterStop::nothing;
  switch (phase_) {
    case Phase::idle:
      save_durable();
      return done();
    case Phase::waiting:
      context_.loop.cancel(std::exchange(restart_timer_, 0));
      phase_ = Phase::idle;
      record_.state.status = Status::exited;
      record_.restart_at_ms = -1;
      save();
      save_durable();
      emit(EventKind::stop);
      tell_waiters();
      return done();
    case Phase::launching:
      on_failed(was_stopped());
      return done();
    case Phase::running:
      if (!start_waiters_.empty()) answer_start(StartOutcome{fail(was_stopped()), std::nullopt});
      break;
  }
  waiters_.push_back(Waiter{WaitUntil::next_exit, std::move(done)});
  const Milliseconds grace = timeout.value_or(unit_.stop_timeout);
  std::optional<Stopper::Time> deadline;
  if (grace >= Milliseconds(0)) deadline = deadline_after(grace);
  begin_stop(signal.value_or(unit_.stop_signal), deadline);
}

Error Container::was_stopped() const {
  return Error(Code::conflict, "start " + label()).why("it was stopped in the meantime");
}

void Container::begin_stop(int signal, std::optional<Stopper::Time> deadline) {
  if (run_->stopper) {
    save();
    return run_->stopper->hurry(deadline);
  }
  record_.state.stopping = true;
  record_.stop = StopRecord{signal, deadline ? to_ms(*deadline) : -1};
  if (run_->health && run_->health->stop() == HealthChange::status) {
    record_.state.health = run_->health->state();
    tell(EventKind::health);  // a consequence of the stop, so not an event of its own
  }
  save();
  Stopper::Target target{run_->pid, run_->pidfd.get(), record_.state.cgroup, signal, deadline};
  run_->stopper =
      std::make_unique<Stopper>(context_.loop, std::move(target), [this](int sent) { emit(EventKind::kill, sent); });
  run_->stopper->begin();
  if (record_.state.status == Status::paused || run_->freeze) (void)unpause();  // a frozen process does not react
}

void Container::restart(std::optional<Milliseconds> timeout, std::optional<int> signal, StartDone done) {
  if (phase_ == Phase::running) {
    stop(timeout, signal, [] {});
    start_waiters_.push_back(std::move(done));
    record_.after_stop = AfterStop::restart;
    return save();
  }
  if (phase_ == Phase::waiting) stop(timeout, signal, [] {});
  start(std::move(done));
}

void Container::on_exit(std::optional<int> wait_status) {
  if (!run_) return;
  // A program that ends at once can overtake the report of its start.
  if (phase_ == Phase::launching && run_->launch) on_sync();
  if (phase_ == Phase::launching)
    return on_failed(Error(Code::io, "start " + label()).why("its process ended before it ran"));
  if (phase_ == Phase::running) end_run(wait_status);
}

// In the order that is documented at the class.
void Container::end_run(std::optional<int> wait_status) {
  end_freeze(fail(Error(Code::conflict, "pause " + label()).why("it has ended")));
  run_->health.reset();
  run_->stopper.reset();
  run_->pump->drain();
  if (shipper_) shipper_->finish();

  ObservedContainer& state = record_.state;
  const pid_t pid = state.pid;
  state.status = Status::exited;
  state.pid = 0;
  state.pid_started = 0;
  state.finished_at = system_now();
  state.exit_code.reset();
  if (wait_status) state.exit_code = exit_status_of(*wait_status).code;
  state.oom_killed = runtime::Cgroup::open(state.cgroup).oom_kills() > record_.oom_kills;
  if (state.health.status != HealthStatus::none) state.health.status = HealthStatus::unhealthy;
  state.ports.clear();
  state.lost_ports.clear();
  state.stopping = false;
  record_.execs.clear();
  phase_ = Phase::idle;
  const bool was_stopped = record_.stop.has_value();
  record_.stop.reset();
  const ContainerState ended = state;
  decide_restart(Outcome::ran);  // saves
  context_.keeper.acknowledge(pid);
  release_run();
  note_networks("disconnect", unit_.endpoints);
  change_networks();
  execs_.on_container_gone(unit_.id);

  if (context_.names_changed) context_.names_changed();
  if (ended.oom_killed) emit(EventKind::oom);
  if (was_stopped) emit(EventKind::stop);
  emit(EventKind::die);
  if (phase_ == Phase::waiting) emit(EventKind::restarting);
  tell_waiters();
  const AfterStop then = std::exchange(record_.after_stop, AfterStop::nothing);
  if (then == AfterStop::nothing) {
    if (idle() && context_.ended) context_.ended(unit_);
    return;
  }
  state.manually_stopped = false;
  if (then == AfterStop::start) state.restart_count = 0;
  restarted_ = then == AfterStop::restart;
  backoff_.reset();
  launch();
}

void Container::release_run() {
  made_ = {};
  context_.loop.remove(run_->sync_watch);
  run_->foreign_end.reset();
  if (run_->network) {
    remove_faces(unit_, run_->network->netns());
    if (const auto released = run_->network->release(); !released) log_line(released.error().message());
  }
  const std::unique_ptr<Run> old = std::move(run_);
  if (old->launch && unit_.overlay) old->root = old->launch->take_root();
  const pid_t helper = old->launch ? old->launch->release_helper() : 0;
  old->launch.reset();
  Cleaner& cleaner = context_.cleaner;
  cleaner.unmount(unit_.id, std::move(old->root));
  context_.keeper.remove(unit_.id + "/*");
  record_.host_links.clear();
  record_.attached.reset();
  if (!std::exchange(record_.told_ports, {}).empty()) save();
  const std::string group = std::exchange(record_.state.cgroup, {});
  if (!unit_.runtime.empty()) return release_external(helper, group);
  if (!group.empty()) cleaner.remove_group(unit_.id, group);
}

// The external runtime takes tens of milliseconds, and longer if it has work to do.
void Container::release_external(pid_t helper, const std::string& group) {
  Fd helper_end;
  if (helper != 0) {
    if (auto pidfd = open_pidfd(helper)) helper_end = std::move(*pidfd);
    context_.cleaner.reap(unit_.id, helper);
  }
  context_.cleaner.run(unit_.id, std::move(helper_end),
                       [runtime = external_runtime(), id = unit_.id, group, label = label()](int after) {
                         pollfd wait{after, POLLIN, 0};
                         if (after >= 0)
                           while (::poll(&wait, 1, -1) < 0 && errno == EINTR) {
                           }
                         const auto removed = runtime::remove_external(runtime, id);
                         if (!removed) log_line(label + ": " + removed.error().message());
                         const auto gone = group.empty() ? Result<>() : runtime::Cgroup::open(group).remove();
                         if (!gone) log_line(label + ": " + gone.error().message());
                       });
}

void Container::decide_restart(Outcome outcome) {
  const ObservedContainer& state = record_.state;
  EndedRun run;
  run.exit_code = state.exit_code;
  if (outcome == Outcome::ran && state.started_at && state.finished_at)
    run.duration = std::chrono::duration_cast<Milliseconds>(*state.finished_at - *state.started_at);
  run.restart_count = state.restart_count;
  run.manually_stopped = state.manually_stopped || context_.shutting_down;
  if (const auto delay = backoff_.next(unit_.restart, run)) wait_for_restart(*delay);
  save();
  save_durable();
}

void Container::wait_for_restart(Milliseconds delay) {
  phase_ = Phase::waiting;
  record_.state.status = Status::restarting;
  record_.restart_delay = backoff_.last();
  const auto when = deadline_after(delay);
  record_.restart_at_ms = to_ms(when);
  restart_timer_ = context_.loop.at(when, [this] {
    restart_timer_ = 0;
    ++record_.state.restart_count;
    launch();
  });
}

void Container::tell_waiters() {
  std::vector<Done> due;
  std::erase_if(waiters_, [&](Waiter& waiter) {
    if (waiter.until == WaitUntil::not_running && !idle()) return false;
    due.push_back(std::move(waiter.done));
    return true;
  });
  for (Done& done : due) done();
  if (idle() && context_.settled) context_.settled();
}

}  // namespace consort::supervisor

// Container: taking over from a supervisor that has died.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/os/processes/process_directory.hpp"
#include "base/os/processes/process_stat.hpp"
#include "runtime/cgroup.hpp"
#include "supervisor/container/container.hpp"
#include "supervisor/log/ship/shipper.hpp"

namespace consort::supervisor {
namespace {

using std::chrono::steady_clock;

steady_clock::time_point from_ms(std::int64_t ms) {
  return steady_clock::time_point(Milliseconds(ms));
}

// When a process started, on the monotonic clock; its age comes from the recorded wall-clock time.
steady_clock::time_point monotonic_start(const ContainerState& state) {
  const auto now = steady_clock::now();
  if (!state.started_at) return now;
  const auto age = system_now() - *state.started_at;
  return age > Nanoseconds(0) ? now - std::chrono::duration_cast<steady_clock::duration>(age) : now;
}

bool is_child_of_keeper(pid_t pid) {
  const auto fields = stat_fields_of(pid);
  return fields && fields->parent() == ::getppid();
}

// The other end of a pipe that a process (its directory in /proc) has open as descriptor `number`. Only pipes are
// opened: the process may have replaced it with anything.
Fd other_end(int process, int number, int flags) {
  const auto there = open_at(process, "fd/" + std::to_string(number), O_PATH);
  struct stat what {};
  if (!there || ::fstat(there->get(), &what) != 0 || !S_ISFIFO(what.st_mode)) return {};
  auto end = open_file("/proc/self/fd/" + std::to_string(there->get()), flags | O_NONBLOCK);
  return end ? std::move(*end) : Fd();
}

}  // namespace

void Container::adopt(Record record, KeeperLink::Inheritance& inheritance) {
  record_ = std::move(record);
  ContainerState& state = record_.state;
  backoff_ = RestartBackoff(record_.restart_delay);
  if (record_.launching) return end_launch(inheritance);
  if (state.status == Status::restarting) {
    phase_ = Phase::waiting;
    const auto when = record_.restart_at_ms >= 0 ? from_ms(record_.restart_at_ms) : steady_clock::now();
    restart_timer_ = context_.loop.at(when, [this] {
      restart_timer_ = 0;
      ++record_.state.restart_count;
      launch();
    });
    return release_rest(inheritance);
  }
  if (state.pid == 0) return release_rest(inheritance);
  adopt_run(inheritance);
}

// The predecessor was killed after recording the end, but before releasing everything.
void Container::release_rest(KeeperLink::Inheritance& inheritance) {
  if (!record_.told_ports.empty()) {
    ContainerNetwork network(context_);
    network.adopt(unit_, inheritance, record_);
    if (const auto released = network.release(); !released) log_line(released.error().message());
    record_.told_ports.clear();
    save();
  }
  context_.keeper.remove(unit_.id + "/*");
}

// The predecessor was killed between the clone and the report that execve had worked. The process ends by itself,
// unless it was already released; the client that requested the start repeats the request. If the restart policy
// requested it, it counts as a failed attempt.
void Container::end_launch(KeeperLink::Inheritance& inheritance) {
  ContainerState& state = record_.state;
  run_ = std::make_unique<Run>();
  run_->network = std::make_unique<ContainerNetwork>(context_);
  run_->network->adopt(unit_, inheritance, record_);
  if (state.pid != 0) {
    const auto process = open_pidfd(state.pid);  // opened before the check, so that both refer to the same process
    const auto started = process_start_time(state.pid);
    if (process && started && *started == state.pid_started) (void)send_signal(process->get(), SIGKILL);
    const auto same = [&](const KeptExit& kept) { return kept.pid == state.pid; };
    if (std::ranges::any_of(inheritance.exits, same)) context_.keeper.acknowledge(state.pid);
  }
  phase_ = Phase::launching;
  if (state.status != Status::restarting) start_waiters_.push_back([](StartOutcome) {});  // a manual start
  on_failed(Error(Code::lost, "start " + label()).why("the supervisor was replaced in the meantime"));
}

void Container::adopt_stdio(std::map<std::string, Fd>& kept) {
  const auto take = [&](const char* what) {
    const auto found = kept.find(key(what));
    return found == kept.end() ? Fd() : std::move(found->second);
  };
  run_->input = take("stdin");
  run_->console = take("console");
  if (const auto opened = open_log(); !opened) {
    log_line(label() + ": " + opened.error().message());
    LogUnit none = unit_.log;
    none.disabled = true;  // the container must not block on a full pipe
    run_->pump = std::move(*LogPump::open(context_.loop, none));
  }
  if (shipper_) shipper_->poke();  // ships what was logged while no supervisor was running
  Result<> added;
  if (run_->console) {
    added = run_->pump->add_terminal(run_->console.get(), Pipe{take("relay_read"), take("relay_write")});
  } else {
    if (Fd pipe = take("stdout")) added = run_->pump->add_pipe(std::move(pipe), LogStream::out);
    if (Fd pipe = take("stderr")) added = run_->pump->add_pipe(std::move(pipe), LogStream::err);
  }
  if (!added) log_line(label() + ": " + added.error().message());
}

// The keeper was killed and its descriptors are lost. The process lives, so they can be recovered from it.
void Container::recover_descriptors(int process, std::map<std::string, Fd>& kept) {
  const auto recover = [&](const char* name, int number, int flags) {
    Fd end = other_end(process, number, flags);
    if (!end) return;
    context_.keeper.put(key(name), end.get());
    kept.insert_or_assign(key(name), std::move(end));
  };
  if (!unit_.tty) {
    recover("stdout", STDOUT_FILENO, O_RDONLY);
    recover("stderr", STDERR_FILENO, O_RDONLY);
    if (unit_.open_stdin) recover("stdin", STDIN_FILENO, O_WRONLY);
  }
  if (auto done = run_->network->recover(unit_, process); !done) log_line(label() + ": " + done.error().message());
}

void Container::adopt_run(KeeperLink::Inheritance& inheritance) {
  ContainerState& state = record_.state;
  run_ = std::make_unique<Run>();
  run_->pid = state.pid;
  run_->network = std::make_unique<ContainerNetwork>(context_);
  const bool was_kept = std::ranges::any_of(inheritance.descriptors,
                                            [&](const auto& entry) { return entry.first.starts_with(unit_.id + "/"); });
  run_->network->adopt(unit_, inheritance, record_);
  phase_ = Phase::running;

  const auto exit =
      std::ranges::find_if(inheritance.exits, [&](const KeptExit& kept) { return kept.pid == state.pid; });
  const auto process = open_process_directory(state.pid, state.pid_started);
  const bool alive = exit == inheritance.exits.end() && process;
  if (alive && !was_kept) recover_descriptors(process->get(), inheritance.descriptors);
  adopt_stdio(inheritance.descriptors);
  adopt_execs(inheritance.exits);
  if (alive) return resume_run(process->get());
  end_run(exit == inheritance.exits.end() ? std::nullopt : std::optional(exit->wait_status));
}

void Container::adopt_execs(const std::vector<KeptExit>& exits) {
  for (const ExecRecord& exec : record_.execs) {
    const auto begun = process_start_time(exec.pid);
    const bool ended = std::ranges::any_of(exits, [&](const KeptExit& exit) { return exit.pid == exec.pid; });
    if (!ended && !(begun && *begun == exec.pid_started)) continue;
    execs_.adopt(unit_.id, exec.exec, exec.pid, exec.pid_started,
                 [context = &context_, id = unit_.id, number = exec.exec](std::optional<int> status) {
                   if (Container* const container = context->find(id)) container->note_exec_end(number, status);
                 });
  }
}

// The container is running: serve it, and continue whatever was in progress.
void Container::resume_run(int process) {
  ObservedContainer& state = record_.state;
  if (auto pidfd = open_pidfd(process, state.pid)) run_->pidfd = std::move(*pidfd);
  if (unit_.overlay)
    if (auto root = open_at(process, "root", O_PATH | O_DIRECTORY)) run_->root = std::move(*root);
  if (!run_->pidfd || !is_child_of_keeper(state.pid))
    run_->foreign_end = std::make_unique<ForeignEnd>(
        context_.loop, ForeignEnd::Process{state.pid, state.pid_started, run_->pidfd.get()},
        [this](std::optional<int> status) { on_exit(status); });
  // The predecessor may have been pausing it.
  if (state.status == Status::running) (void)runtime::Cgroup::open(state.cgroup).thaw();
  if (auto named = run_->network->resume(unit_, [this] { note_ports(); }); !named)
    log_line(label() + ": " + named.error().message());
  adopt_networks();
  if (record_.stop) {
    std::optional<Stopper::Time> deadline;
    if (record_.stop->deadline_ms >= 0) deadline = from_ms(record_.stop->deadline_ms);
    return begin_stop(record_.stop->signal, deadline);
  }
  watch_health(monotonic_start(state));
  if (run_->health && state.status == Status::paused) run_->health->suspend();
}

}  // namespace consort::supervisor

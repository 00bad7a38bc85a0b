#include "supervisor/container/container.hpp"

#include <signal.h>
#include <sys/ioctl.h>

#include <utility>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/strings.hpp"
#include "runtime/cgroup.hpp"
#include "supervisor/log/ship/shipper.hpp"

namespace consort::supervisor {
namespace {

constexpr std::chrono::seconds freeze_patience{2};
constexpr std::chrono::milliseconds between_looks{5};
constexpr std::chrono::seconds between_saves{1};

Error not_running(const ContainerUnit& unit) {
  return Error(Code::conflict, "container " + unit.id + " is not running");
}

}  // namespace

Container::Container(Context& context, ExecTable& execs, ContainerUnit unit, std::string unit_path)
    : context_(context), execs_(execs), unit_(std::move(unit)) {
  record_.unit_path = std::move(unit_path);
  ObservedContainer& state = record_.state;
  state.id = unit_.id;
  state.name = unit_.name;
  state.project = unit_.project;
  state.service = unit_.service;
  state.number = unit_.number;
  state.oneoff = unit_.oneoff;
  state.auto_remove = unit_.auto_remove;
}

Container::~Container() {
  context_.loop.cancel(restart_timer_);
  context_.loop.cancel(save_timer_);
  if (!run_) return;
  if (run_->freeze) context_.loop.cancel(run_->freeze->timer);
  context_.loop.remove(run_->sync_watch);
}

Result<> Container::write_record() const {
  return write_file_atomic(run_state_path(context_.run_directory, unit_.id), record_to_json(record_), 0600);
}

// On a full disk this is retried until there is space: a successor would trust the file.
void Container::save() {
  const EventLoop::Token before = std::exchange(save_timer_, 0);
  context_.loop.cancel(before);
  const auto saved = write_record();
  if (saved) return;
  if (before == 0) log_line(label() + ": " + saved.error().message());
  save_timer_ = context_.loop.after(between_saves, [this] { save(); });
}

void Container::save_durable() {
  // After the next boot its exit is not queried: a --rm container that was still running is removed then.
  if (unit_.auto_remove) return;
  const std::string directory = context_.roots.container(unit_.id);
  if (!path_exists(directory)) return;  // removed by someone else, or a test's container without a data directory
  const auto saved = write_file_atomic(directory + "/state.json", state_to_json(record_.state), 0600);
  if (!saved) log_line(label() + ": " + saved.error().message());
}

void Container::when(WaitUntil until, Done done) {
  if (until == WaitUntil::not_running && idle()) return done();
  waiters_.push_back(Waiter{until, std::move(done)});
}

Result<> Container::kill(int signal) {
  if (record_.state.status == Status::restarting) {  // no process to signal, and none must start
    stop(Milliseconds(0), signal, [] {});
    return {};
  }
  if (phase_ != Phase::running) return fail(not_running(unit_));
  // As in Docker, except for signal 0: a restart policy must not restart the container.
  if (signal == SIGKILL || signal == unit_.stop_signal) record_.state.manually_stopped = true;
  if (signal == SIGKILL) record_.state.stopping = true;
  TRY_WRAP(send_signal(run_->pidfd.get(), signal), "kill", label());
  if (signal == 0) return {};
  save();
  emit(EventKind::kill, signal);
  if (record_.state.status != Status::paused && !run_->freeze) return {};
  // A frozen process cannot react to a signal that should end it. (With cgroup v1, not even to SIGKILL.)
  if (signal == SIGKILL) return thaw();
  return signal == unit_.stop_signal ? unpause() : Result<>();
}

Result<> Container::require_process() const {
  if (phase_ == Phase::running) return {};
  if (record_.state.status != Status::restarting) return fail(not_running(unit_));
  return fail(Error(Code::conflict, "Container " + unit_.id + " is restarting, wait until the container is running"));
}

void Container::pause(Answer answer) {
  if (auto there = require_process(); !there) return answer(std::move(there));
  if (record_.state.status == Status::paused || run_->freeze)
    return answer(fail(Error(Code::conflict, "Container " + unit_.id + " is already paused")));
  auto begun = runtime::Cgroup::open(record_.state.cgroup).begin_freeze();
  if (!begun) return answer(fail(std::move(begun.error()).wrap("pause", label())));
  run_->freeze = std::make_unique<Freeze>(std::chrono::steady_clock::now() + freeze_patience, 0, std::move(answer));
  look_frozen();
}

void Container::look_frozen() {
  Freeze& freeze = *run_->freeze;
  freeze.timer = 0;
  const runtime::Cgroup group = runtime::Cgroup::open(record_.state.cgroup);
  auto frozen = group.is_frozen();
  if (frozen && *frozen) {
    record_.state.status = Status::paused;
    if (run_->health) run_->health->suspend();
    save();
    emit(EventKind::pause);
    return end_freeze({});
  }
  if (frozen && std::chrono::steady_clock::now() < freeze.deadline) {
    freeze.timer = context_.loop.after(between_looks, [this] { look_frozen(); });
    return;
  }
  (void)group.thaw();
  if (frozen) frozen = fail(Error(Code::busy, "freeze").why(runtime::cannot_be_paused));
  end_freeze(fail(std::move(frozen.error()).wrap("pause", label())));
}

void Container::end_freeze(Result<> result) {
  if (!run_ || !run_->freeze) return;
  const std::unique_ptr<Freeze> freeze = std::move(run_->freeze);
  context_.loop.cancel(freeze->timer);
  freeze->answer(std::move(result));
}

Result<> Container::unpause() {
  if (phase_ != Phase::running) return fail(not_running(unit_));
  if (run_->freeze) return thaw();
  if (record_.state.status != Status::paused)
    return fail(Error(Code::conflict, "Container " + unit_.id + " is not paused"));
  TRY(thaw());
  emit(EventKind::unpause);
  return {};
}

Result<> Container::thaw() {
  TRY_WRAP(runtime::Cgroup::open(record_.state.cgroup).thaw(), "unpause", label());
  end_freeze(fail(Error(Code::conflict, "pause " + label()).why("it was resumed in the meantime")));
  if (std::exchange(record_.state.status, Status::running) == Status::running) return {};
  if (run_->health) run_->health->resume();
  save();
  return {};
}

Result<> Container::resize(TerminalSize size) {
  if (phase_ != Phase::running) return fail(not_running(unit_));
  if (!run_->console) return fail(Error(Code::conflict, "resize terminal").on(label()).why("it has none"));
  winsize window{size.rows, size.columns, 0, 0};
  if (::ioctl(run_->console.get(), TIOCSWINSZ, &window) != 0) return fail_errno("resize terminal", label());
  note("resize", {{"height", std::to_string(size.rows)}, {"width", std::to_string(size.columns)}});
  return {};
}

Result<Fd> Container::attach() {
  if (phase_ != Phase::running) return fail(not_running(unit_));
  if (run_->console) return duplicate(run_->console.get());
  if (!run_->input) return fail(Error(Code::conflict, "attach to standard input").on(label()).why("it is closed"));
  if (!unit_.stdin_once) return duplicate(run_->input.get());
  // Our copy must be closed, or the container would not see end-of-file when the client closes its own.
  context_.keeper.remove(key("stdin"));
  return std::move(run_->input);
}

Result<ExecTable::Id> Container::exec(const ExecRequest& request, ExecTable::OnStarted on_started,
                                      ExecTable::OnEnded on_ended) {
  TRY(require_process());
  if (record_.state.status == Status::paused || run_->freeze)
    return fail(Error(Code::conflict, "Container " + unit_.id + " is paused, unpause the container before exec"));
  // The runtime reads a `process` only as part of a complete config.json.
  const Json process = TRY(parse_json(request.process, "process"));
  const Json config{{"ociVersion", "1.2.0"}, {"process", process}, {"root", {{"path", "rootfs"}}}};
  runtime::Spec spec = TRY_WRAP(runtime::parse_spec(dump_json(config), "process"), "exec in", label());
  spec.process.terminal = request.tty;
  // Names, to be looked up in the container's own files; OCI has only numbers.
  spec.process.user.name = get_string(process, "consort_user");
  spec.process.user.group_names = get_strings(process, "consort_groups");

  runtime::ExecOptions options;
  options.pid = run_->pid;
  options.pidfd = run_->pidfd.get();
  options.cgroup_path = record_.state.cgroup;
  options.stdio = runtime::StdioFds{request.in, request.out, request.err};
  options.child_of = runtime::ChildOf::sibling;
  const std::string filter = unit_.bundle + "/seccomp.bpf";
  if (path_exists(filter)) options.seccomp_bpf = filter;

  const std::string argv = argv_text(spec.process.args);
  const auto number = std::make_shared<ExecTable::Id>(0);
  // The container may be removed before its exec reports anything, so it is looked up by id.
  const auto with_this = [context = &context_, id = unit_.id](auto&& action) {
    if (Container* container = context->find(id)) action(*container);
  };
  *number = TRY_WRAP(execs_.begin(
                         unit_.id, spec.process, options,
                         [=, user = std::move(on_started)](Result<ExecStarted> started) mutable {
                           if (started)
                             with_this([&](Container& container) {
                               const auto begun = process_start_time(started->pid);
                               container.record_.execs.push_back(ExecRecord{*number, started->pid, begun ? *begun : 0});
                               container.save();
                               container.tell(EventKind::exec_start, 0, argv);
                             });
                           user(std::move(started));
                         },
                         [=, user = std::move(on_ended)](std::optional<int> status) mutable {
                           with_this([&](Container& container) {
                             std::erase_if(container.record_.execs,
                                           [&](const ExecRecord& exec) { return exec.exec == *number; });
                             container.save();
                             container.note_exec_end(*number, status);
                             container.tell(EventKind::exec_die, 0, argv);
                           });
                           user(status);
                         }),
                     "exec in", label());
  note_exec(argv, *number);
  return *number;
}

Result<> Container::forget() {
  if (!idle()) return fail(Error(Code::conflict, "forget " + label()).why("it is running"));
  context_.loop.cancel(std::exchange(save_timer_, 0));
  TRY(remove_file(run_state_path(context_.run_directory, unit_.id)));
  emit(EventKind::forget);
  return {};
}

}  // namespace consort::supervisor

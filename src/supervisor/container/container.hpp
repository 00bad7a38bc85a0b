// One container of the project, from its first start until it is forgotten.
//
//            start                 execve passed                exit
//   idle ------------> launching ----------------> running ------------> idle     (created, exited)
//     ^                    |                                     |
//     |                    | failed                              | restart policy
//     +--------------------+                                     v
//     ^                                                       waiting            (restarting)
//     +--- stop -------------------------------------------------+--- back-off over ---> launching
//
// When a run ends, the order is fixed: read the rest of its output, record how it ended, let the keeper forget the
// exit, release network and cgroup, notify subscribers and waiting requests.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/external.hpp"
#include "runtime/launch.hpp"
#include "supervisor/container/container_network.hpp"
#include "supervisor/container/exec_table.hpp"
#include "supervisor/container/foreign_end.hpp"
#include "supervisor/container/record.hpp"
#include "supervisor/container/restart.hpp"
#include "supervisor/container/stopper.hpp"
#include "supervisor/health/health_runner.hpp"
#include "supervisor/journal.hpp"
#include "supervisor/log/log_pump.hpp"
#include "supervisor/loop/context.hpp"
#include "supervisor/made_ahead.hpp"

namespace consort::supervisor {

struct StartOutcome {
  Result<> result;
  std::optional<int> exit_code;  // of a failed start, as in Docker
};

class LogShipper;  // supervisor/log/ship/shipper.hpp

class Container {
 public:
  using StartDone = std::move_only_function<void(StartOutcome)>;
  using Done = std::move_only_function<void()>;
  using Answer = std::move_only_function<void(Result<>)>;

  Container(Context& context, ExecTable& execs, ContainerUnit unit, std::string unit_path);
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  const ContainerUnit& unit() const { return unit_; }
  const std::string& unit_path() const { return record_.unit_path; }
  const ObservedContainer& state() const { return record_.state; }
  // Nothing runs, and nothing will start by itself.
  bool idle() const { return phase_ == Phase::idle; }
  bool runs() const { return phase_ == Phase::running; }
  // True from just before its program's first instruction, which may look up the container's own name.
  bool has_names() const { return runs() || (phase_ == Phase::launching && run_ && run_->released); }
  bool stays() const { return runs() && !state().stopping; }  // a start has nothing to do

  // Sets a newer unit.json, read before a start; used from the next start on.
  void set_unit(ContainerUnit unit) { unit_ = std::move(unit); }
  // Already running: done at once. Stopping: done once it has ended and runs again. made: used if this launches it.
  void start(StartDone done, MadeAhead made = {});
  // done: called once it is no longer running.
  void stop(std::optional<Milliseconds> timeout, std::optional<int> signal, Done done);
  void restart(std::optional<Milliseconds> timeout, std::optional<int> signal, StartDone done);
  Result<> kill(int signal);
  // answer: called once everything in it is frozen, or with the reason why not.
  void pause(Answer answer);
  Result<> unpause();
  Result<> resize(TerminalSize size);
  // Takes the networks of a newer unit.json. answer: called once the container is connected to them, or with the reason
  // why not; at once if it is not running, since its next start uses them.
  void reconnect(const ContainerUnit& newer, Answer answer);
  // The writer of its standard input, or its terminal, duplicated for the caller.
  Result<Fd> attach();
  void when(WaitUntil until, Done done);  // if not_running is already true, calls done at once
  struct ExecRequest {
    std::string process;  // OCI JSON
    bool tty = false;
    int in = -1, out = -1, err = -1;  // borrowed
  };
  Result<ExecTable::Id> exec(const ExecRequest& request, ExecTable::OnStarted on_started, ExecTable::OnEnded on_ended);

  // Its first process has ended; nullopt: its exit status is unknown.
  bool owns(pid_t pid) const { return pid != 0 && run_ && run_->pid == pid; }
  void on_exit(std::optional<int> wait_status);
  // Continues from the predecessor's record.
  void adopt(Record record, KeeperLink::Inheritance& inheritance);
  Result<> forget();

 private:
  enum class Phase : std::uint8_t { idle, launching, running, waiting };

  // A pause in progress: some processes can only be frozen once they have finished an operation.
  struct Freeze {
    std::chrono::steady_clock::time_point deadline;
    EventLoop::Token timer = 0;
    Answer answer;
  };
  // The resources of one run of the container.
  struct Run {
    std::unique_ptr<ContainerNetwork> network;
    std::unique_ptr<LogPump> pump;
    std::unique_ptr<runtime::Launch> launch;  // until execve
    EventLoop::Token sync_watch = 0;
    bool released = false;  // was told to continue
    pid_t pid = 0;
    Fd pidfd;
    std::unique_ptr<ForeignEnd> foreign_end;  // only if it is not the keeper's child
    Fd root;                                  // keeps the overlay mounted past the program's end
    Fd input;                                 // writer of its standard input
    Fd console;
    std::unique_ptr<Stopper> stopper;
    std::unique_ptr<HealthRunner> health;
    std::unique_ptr<Freeze> freeze;
    std::shared_ptr<char> alive = std::make_shared<char>();  // lets delayed callbacks check that it still exists
  };
  struct Waiter {
    WaitUntil until;
    Done done;
  };

  Result<> require_process() const;  // Code::conflict with Docker's text
  void look_frozen();
  void end_freeze(Result<> result);  // does nothing without a pause in progress
  Result<> thaw();

  // container_start.cpp
  void launch();
  void launch_now();
  void choose_cgroup(runtime::Spec& spec);
  void clear_group(Cleaner::Done then);
  Result<> begin_launch(runtime::Spec spec);
  runtime::ExternalRuntime external_runtime() const;
  Result<> prepare_stdio(runtime::LaunchOptions& options, std::vector<Fd>& child_ends);
  void on_sync();
  Result<> release_to_exec();
  void on_started();
  void on_failed(Error error);
  void answer_start(StartOutcome outcome);
  Result<> open_terminal();
  void watch_health(HealthMachine::Time started);
  Listening listening() const;

  Result<> open_log();
  // container_end.cpp
  void release_run();
  void release_external(pid_t helper, const std::string& group);
  void end_run(std::optional<int> wait_status);
  enum class Outcome : std::uint8_t { ran, never_ran };  // never_ran never counts as a steady run
  void decide_restart(Outcome outcome);
  void wait_for_restart(Milliseconds delay);
  void tell_waiters();
  Error was_stopped() const;  // for a start that was overtaken by a stop
  void begin_stop(int signal, std::optional<Stopper::Time> deadline);

  // container_networks.cpp
  void change_networks();
  void begin_network_change(SandboxChange::Known before_is_known);
  void end_network_change(Result<> result);
  void adopt_networks();
  void note_networks(const char* action, const std::vector<EndpointUnit>& endpoints);

  // container_adopt.cpp
  void release_rest(KeeperLink::Inheritance& inheritance);
  void end_launch(KeeperLink::Inheritance& inheritance);
  void adopt_run(KeeperLink::Inheritance& inheritance);
  void adopt_stdio(std::map<std::string, Fd>& kept);
  void recover_descriptors(int process, std::map<std::string, Fd>& kept);  // process: its directory in /proc
  void adopt_execs(const std::vector<KeptExit>& exits);
  void resume_run(int process);

  void save();  // writes the run file
  Result<> write_record() const;
  void save_durable();  // writes data/containers/ID/state.json

  // container_events.cpp
  void emit(EventKind kind, int signal = 0, std::string exec_argv = {});  // both of the following
  void tell(EventKind kind, int signal = 0, std::string exec_argv = {});  // notifies subscribers
  void note(std::string action, std::map<std::string, std::string> attributes, ExecTable::Id exec = 0);
  void note(const JournalEntry& entry);
  void note_log_trouble(const LogTrouble& now);
  void note_ports();
  void take_ports();
  void note_exec(const std::string& argv, ExecTable::Id exec);
  void note_exec_end(ExecTable::Id exec, std::optional<int> wait_status);
  std::string key(const char* what) const { return unit_.id + "/" + what; }
  std::string label() const { return "container " + unit_.name; }

  Context& context_;
  ExecTable& execs_;
  ContainerUnit unit_;
  Record record_;
  Phase phase_ = Phase::idle;
  std::unique_ptr<Run> run_;
  MadeAhead made_;          // for the current launch, until it uses it
  bool restarted_ = false;  // the next start is part of a restart, which is an event of its own
  RestartBackoff backoff_;
  EventLoop::Token restart_timer_ = 0;
  EventLoop::Token save_timer_ = 0;  // writing the run file failed and is retried
  std::vector<StartDone> start_waiters_;
  std::vector<Waiter> waiters_;
  // The first one is in progress while the container runs.
  struct NetworkChange {
    ContainerUnit wanted;
    Answer answer;
  };
  std::deque<NetworkChange> network_changes_;
  std::unique_ptr<LogShipper> shipper_;  // may still have lines to send when the run has ended
};

std::vector<Attached> attached_of(const ContainerUnit& unit);
std::string argv_text(const std::vector<std::string>& argv);  // as shown in events

}  // namespace consort::supervisor

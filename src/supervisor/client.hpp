// How the engine talks to a project's supervisor. A Client is a value, two names and a command's patience: each call
// opens its own connection, so several threads may use it at once. Calls block until the supervisor answers.
//
// Lists and look-ups never start a supervisor: observe() asks the running one, or reads the files that it left.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "base/roots.hpp"
#include "supervisor/exec.hpp"
#include "supervisor/patience.hpp"
#include "supervisor/protocol.hpp"
#include "supervisor/state.hpp"
#include "supervisor/streams.hpp"

namespace consort::supervisor {

// Starts the project's keeper and supervisor if there are none; returns once the control socket answers. The programs
// are looked for in $CONSORT_LIBEXEC, next to this program, then in the libexec directory of the installation. Once
// cancel_fd (borrowed) is readable, the wait ends (Code::interrupted).
Result<> ensure_supervisor(const Roots& roots, const std::string& project, int cancel_fd = -1);

// Starts them only if both were killed while they had something to do (containers that run or whose end nobody has
// seen, a restart that is due, an interrupted start), and returns whether it did. Costs one check of a lock if there is
// a keeper, and of one directory if nothing runs.
Result<bool> revive_supervisor(const Roots& roots, const std::string& project, int cancel_fd = -1);

// The lock that a process needs to start the project's supervisor, if there is no supervisor and nothing for one to do;
// an empty descriptor if the project hasn't run since boot. nullopt: there is a supervisor, or should be.
std::optional<Fd> claim_abandoned(const Roots& roots, const std::string& project);

// The state of every container of the project that has run since boot: live if the supervisor runs, otherwise the last
// known. If a container is recorded as running but neither it nor its supervisor exists: exited, exit code unknown.
Result<std::vector<ObservedContainer>> observe(const Roots& roots, const std::string& project,
                                               const std::shared_ptr<Patience>& patience);
// The same for the given ids, with data/containers/ID/state.json for earlier boots. Containers that were never started
// are missing from the map.
Result<std::map<std::string, ObservedContainer>> observe(const Roots& roots, const std::string& project,
                                                         std::span<const std::string> container_ids,
                                                         const std::shared_ptr<Patience>& patience);

// A stream of events. fd() is readable when next() will not block.
class Subscription {
 public:
  Subscription(Fd socket, std::vector<ObservedContainer> initial)
      : socket_(std::move(socket)), initial_(std::move(initial)) {}
  int fd() const { return socket_.get(); }
  const std::vector<ObservedContainer>& initial() const { return initial_; }  // the states right before the first event
  // Blocks. nullopt: the supervisor has ended (nothing runs) or was replaced: subscribe again or observe().
  Result<std::optional<Event>> next();

 private:
  Fd socket_;
  std::vector<ObservedContainer> initial_;
};

struct ExecOptions {
  // OCI `process` object as JSON text: args, env, cwd, user, capabilities, ... In addition to OCI's fields,
  // "consort_user" ("name", "1000:group") overrides user.uid and .gid, and "consort_groups" adds groups; both are
  // looked up in the container.
  std::string process;
  bool tty = false;
  bool detach = false;   // do not keep the connection: wait() is not available
  bool streams = false;  // without tty: pipes, whose other ends take_streams() returns; otherwise /dev/null
};

struct StopOptions {
  std::optional<Milliseconds> timeout;  // none: the container's stop_timeout; 0: kill at once; negative: no limit
  std::optional<int> signal;            // none: the container's stop_signal
  int cancel_fd = -1;  // borrowed; once readable, the wait ends (Code::interrupted); the stop continues
};

struct Asking;  // supervisor/client/conversation.hpp

class Client {
 public:
  // The patience is shared by all of a command's clients.
  Client(Roots roots, std::string project, std::shared_ptr<Patience> patience = std::make_shared<Patience>())
      : roots_(std::move(roots)), project_(std::move(project)), patience_(std::move(patience)) {}

  Result<> ensure(int cancel_fd = -1) const { return ensure_supervisor(roots_, project_, cancel_fd); }
  Result<bool> running() const;  // whether there is a supervisor

  Result<std::vector<ObservedContainer>> snapshot() const;
  Result<Subscription> subscribe() const;

  // Starts the container of a unit.json (a path), and the supervisor if necessary; returns once the container's process
  // runs. A failed start leaves nothing behind, and sets *exit_code to 126 or 127 if the program is at fault. Once
  // cancel_fd (borrowed) is readable, the wait ends (Code::interrupted); the start continues.
  Result<ObservedContainer> start(const std::string& unit_path, int* exit_code = nullptr, int cancel_fd = -1,
                                  const MadeAhead& made = {}) const;
  // Each call below that names a container starts a new supervisor if the container has outlived its own.
  // Success if the container isn't running.
  Result<ObservedContainer> stop(const std::string& container_id, const StopOptions& options = {}) const;
  Result<ObservedContainer> restart(const std::string& container_id, const StopOptions& options = {}) const;
  Result<> kill(const std::string& container_id, int signal) const;
  Result<> pause(const std::string& container_id) const;
  Result<> unpause(const std::string& container_id) const;
  // Call it after its unit.json has other networks: returns once a running container is connected to them. On failure
  // its networks are as before, and the caller restores unit.json.
  Result<ObservedContainer> reconnect(const std::string& container_id) const;
  Result<Exec> exec(const std::string& container_id, const ExecOptions& options, int* exit_code = nullptr) const;
  Result<> resize(const std::string& container_id, TerminalSize size) const;
  Result<Attachment> attach(const std::string& container_id) const;
  Result<ObservedContainer> wait(const std::string& container_id, WaitUntil until = WaitUntil::not_running) const;
  // Removes the run file and the supervisor's state of the container. Code::conflict if it is running. Works without a
  // supervisor, too.
  Result<> forget(const std::string& container_id) const;
  // Stops everything. Returns when the project's keeper and supervisor have ended (a few seconds after the last
  // container at most, otherwise Code::busy). Success if there are none.
  Result<> shutdown() const;
  // The same if nothing runs; otherwise does nothing.
  Result<> end() const;
  // Tells the supervisor that the jobs on disk have changed. Starts one if there is none and a job has a schedule.
  Result<> reload_clock() const;
  // Runs the job of that id now; starts the supervisor if necessary. `reschedule`: this run replaces the next scheduled
  // one.
  Result<> fire_job(const std::string& job, const std::string& run, bool reschedule) const;

 private:
  Result<> end_by(Op op) const;
  Asking asking(int cancel_fd = -1) const;

  Roots roots_;
  std::string project_;
  std::shared_ptr<Patience> patience_;
};

}  // namespace consort::supervisor

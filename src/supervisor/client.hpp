// How the engine talks to a project's supervisor. A Client is a value without state beyond two names: each call opens a
// connection of its own, so it may be used from several threads at once. Calls block until the supervisor answers.
//
// Lists and look-ups never start a supervisor: observe() asks the running one, or reads what it left in files.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "base/roots.hpp"
#include "supervisor/exec.hpp"
#include "supervisor/protocol.hpp"
#include "supervisor/state.hpp"
#include "supervisor/streams.hpp"

namespace consort::supervisor {

// Starts keeper and supervisor of the project if there are none; returns once the control socket answers. The programs
// are looked for in $CONSORT_LIBEXEC, beside this program, then in the libexec folder of the installation. Once cancel_fd
// (borrowed) is readable the wait ends (Code::interrupted).
Result<> ensure_supervisor(const Roots& roots, const std::string& project, int cancel_fd = -1);

// Starts them only if both were killed while they had something to do (containers that run, or whose end nobody has
// seen, a restart that is due, a start that was cut), and says whether it did. One look at a lock where there is a
// keeper; one at a directory where nothing runs.
Result<bool> revive_supervisor(const Roots& roots, const std::string& project, int cancel_fd = -1);

// The lock that whoever starts a supervisor of the project must have, if there is none and nothing for one to do; an
// empty descriptor if this boot has not seen the project. nullopt: there is one, or should be.
std::optional<Fd> claim_abandoned(const Roots& roots, const std::string& project);

// The state of every container of the project that this boot has seen: live if the supervisor runs, else last known.
// Recorded as running but neither it nor its supervisor is there: exited, exit code unknown.
Result<std::vector<ObservedContainer>> observe(const Roots& roots, const std::string& project);
// The same for given ids, with what data/containers/ID/state.json knows of earlier boots. Ids nobody has ever started
// are missing from the map.
Result<std::map<std::string, ObservedContainer>> observe(const Roots& roots, const std::string& project,
                                                         std::span<const std::string> container_ids);

// A stream of events. fd() is readable when next() will not block.
class Subscription {
 public:
  Subscription(Fd socket, std::vector<ObservedContainer> initial)
      : socket_(std::move(socket)), initial_(std::move(initial)) {}
  int fd() const { return socket_.get(); }
  const std::vector<ObservedContainer>& initial() const { return initial_; }  // taken before the first event, no gap
  // Blocks. nullopt: the supervisor has ended (nothing runs any more) or was replaced: subscribe again or observe().
  Result<std::optional<Event>> next();

 private:
  Fd socket_;
  std::vector<ObservedContainer> initial_;
};

struct ExecOptions {
  // OCI `process` object as JSON text: args, env, cwd, user, capabilities, ... Beside OCI's words, "consort_user"
  // ("name", "1000:group") wins over user.uid and .gid, and "consort_groups" adds groups; both are looked up in the
  // container.
  std::string process;
  bool tty = false;
  bool detach = false;   // do not keep the connection: wait() is not available
  bool streams = false;  // without tty: pipes, whose other ends take_streams() gives; else it has /dev/null
};

struct StopOptions {
  std::optional<Milliseconds> timeout;  // none: the container's stop_timeout; 0: kill at once; negative: wait for ever
  std::optional<int> signal;            // none: the container's stop_signal
  int cancel_fd = -1;                   // borrowed; once readable the wait ends (Code::interrupted), the stop goes on
};

class Client {
 public:
  Client(Roots roots, std::string project) : roots_(std::move(roots)), project_(std::move(project)) {}

  Result<> ensure(int cancel_fd = -1) const { return ensure_supervisor(roots_, project_, cancel_fd); }
  Result<bool> running() const;  // is there a supervisor

  Result<std::vector<ObservedContainer>> snapshot() const;
  Result<Subscription> subscribe() const;

  // Starts what unit.json (a path) describes; returns once its process runs. Starts the supervisor if need be. A start
  // that fails says why, leaves nothing behind, and puts 126 or 127 into *exit_code if the program is at fault. Once
  // cancel_fd is readable the wait ends (Code::interrupted), and the start goes on.
  Result<ObservedContainer> start(const std::string& unit_path, int* exit_code = nullptr, int cancel_fd = -1,
                                  const MadeAhead& made = {}) const;
  // Each of the calls below that names a container starts a supervisor again if the container has outlived its own.
  // Of a container that is not running: success.
  Result<ObservedContainer> stop(const std::string& container_id, const StopOptions& options = {}) const;
  Result<ObservedContainer> restart(const std::string& container_id, const StopOptions& options = {}) const;
  Result<> kill(const std::string& container_id, int signal) const;
  Result<> pause(const std::string& container_id) const;
  Result<> unpause(const std::string& container_id) const;
  // Its unit.json names other networks than before: returns once a running container is on them. On failure it is where
  // it was before, and the caller writes that down again.
  Result<ObservedContainer> reconnect(const std::string& container_id) const;
  Result<Exec> exec(const std::string& container_id, const ExecOptions& options, int* exit_code = nullptr) const;
  Result<> resize(const std::string& container_id, TerminalSize size) const;
  Result<Attachment> attach(const std::string& container_id) const;
  Result<ObservedContainer> wait(const std::string& container_id, WaitUntil until = WaitUntil::not_running) const;
  // Removes the run file and what the supervisor remembers. A running container is Code::conflict. Works without a
  // supervisor as well.
  Result<> forget(const std::string& container_id) const;
  // Stops everything. Returns when the project's keeper and supervisor have ended (at most some seconds after the last
  // container; longer is Code::busy). None there: success.
  Result<> shutdown() const;
  // The same if nothing runs, else nothing happens.
  Result<> end() const;
  // That the jobs on disk are other ones now. Starts a supervisor if one of them has a schedule and there is none.
  Result<> reload_clock() const;
  // A run of that id now; the supervisor is started if need be. `reschedule`: it stands for the next one that is due.
  Result<> fire_job(const std::string& job, const std::string& run, bool reschedule) const;

 private:
  Result<> end_by(Op op) const;

  Roots roots_;
  std::string project_;
};

}  // namespace consort::supervisor

// The container engine as a library: containers, networks and volumes, their state database, and the way to the
// supervisors that keep containers running. Texts of errors are Docker's where it has one (section 23).
//
// Every operation may be called from any thread at any time; operations on one container exclude each other.
// `id` stands for an id, a unique prefix of one, or a name.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "base/roots.hpp"
#include "engine/logs.hpp"
#include "engine/types.hpp"
#include "supervisor/exec.hpp"
#include "supervisor/streams.hpp"

namespace consort::engine {

class Builds;       // engine/builds.hpp
class EventStream;  // engine/events.hpp
class Files;        // engine/files.hpp
class Images;       // engine/images.hpp

// ---- options and answers --------------------------------------------------------------------------------------------

struct CreatedContainer {
  std::string id;
  Strings warnings;  // for the user: what was understood but cannot be done here
  // With auto_remove: while it is open, its owner looks after the container. After that (the owner may have been
  // killed) whoever lists containers removes it, once it has ended or if it was never started.
  Fd hold;
};

struct ListFilter {
  std::optional<std::string> project;
  std::optional<std::string> service;
  StringMap labels;  // all must match; an empty value matches any
};

struct StartOptions {
  int* exit_code = nullptr;  // set to 126 or 127 when the program is at fault
  // Borrowed. Once it is readable nobody waits any more (Code::interrupted); the container starts all the same.
  int cancel_fd = -1;
};

struct StopOptions {
  std::optional<Nanoseconds> timeout;  // nullopt = the container's own; 0 = at once; negative = for ever
  std::string signal;                  // "" = the container's own
  int cancel_fd = -1;                  // as of a start: it goes on stopping
};

enum class Links : std::uint8_t { keep, follow };  // what a copy does with a link that is its source
enum class PathKind : std::uint8_t { missing, folder, other };
enum class Force : std::uint8_t { no, yes };  // yes: a running container is killed first
enum class AnonymousVolumes : std::uint8_t { keep, remove };
struct RemoveOptions {
  Force force = Force::no;
  AnonymousVolumes volumes = AnonymousVolumes::keep;
};

struct ExecSpec {
  Strings argv;
  Strings environment;      // added to the container's
  std::string user;         // "" = the container's
  std::string working_dir;  // likewise
  bool tty = false;
  bool privileged = false;
  bool streams = false;  // without tty: pipes to and from it, see Exec::take_streams(); else it has /dev/null
};

using supervisor::Attachment;
using supervisor::Exec;
using supervisor::ExecStreams;
using supervisor::TerminalSize;

struct ProcessTable {
  Strings titles;
  std::vector<Strings> rows;
};

struct ContainerStats {
  std::uint64_t cpu_nanoseconds = 0;
  std::uint64_t memory_bytes = 0, memory_limit = 0;
  std::uint64_t pids = 0;
  std::uint64_t network_received = 0, network_sent = 0;
  std::uint64_t block_read = 0, block_written = 0;
};

// Held while a command changes a project. Another process that wants it waits, or is told who holds it.
class ProjectLock {
 public:
  explicit ProjectLock(Fd fd) : fd_(std::move(fd)) {}
  ProjectLock(ProjectLock&&) noexcept = default;
  ProjectLock& operator=(ProjectLock&&) noexcept = default;
  ~ProjectLock();

 private:
  Fd fd_;
};
struct LockOptions {
  std::optional<Nanoseconds> patience;  // nullopt = as long as it takes
  // Called once if it is taken: "another consort (pid 4711: consort up -d) is working on project x: waiting for it".
  std::function<void(const std::string& holder)> on_wait;
};

// What changed in one container, as its supervisor says it.
struct StateChange {
  std::string id;
  ContainerState state;
  bool gone = false;  // removed
};

// What somebody who waits for containers does when nobody looks after them, because keeper and supervisor were killed.
enum class Unserved : std::uint8_t {
  leave,   // only looking: nothing is started
  revive,  // a new pair is started, which takes over what still runs
};

// A stream of the changes of one project's containers. Wait for fd() to become readable, then take next().
class Watch {
 public:
  virtual ~Watch() = default;
  virtual int fd() const = 0;  // -1: no supervisor runs, so nothing can change
  // nullopt when nothing is there just now; Code::not_found when the supervisor has ended.
  virtual Result<std::optional<StateChange>> next() = 0;
};

// ---- the engine -----------------------------------------------------------------------------------------------------

class Engine {
 public:
  // Creates the roots, the database and its tables as needed. Cheap: a few hundred microseconds when all is there.
  static Result<std::unique_ptr<Engine>> open(Roots roots);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Roots& roots() const;

  Result<ProjectLock> lock_project(const std::string& project, LockOptions options = {});
  // A descriptor that becomes readable when the command that has the lock just now may have let go of it. None: nobody
  // has it, or this process itself.
  Result<std::optional<Fd>> watch_lock(const std::string& project);

  // Containers: their life.
  Result<CreatedContainer> create_container(const ContainerSpec& spec);
  // A container of the project will be started soon: what that takes beside the container is made ready meanwhile.
  void expect_start(const std::string& project);
  // Already running: nothing to do.
  Result<> start_container(const std::string& id, const StartOptions& options = {});
  Result<> stop_container(const std::string& id, const StopOptions& options = {});
  Result<> kill_container(const std::string& id, const std::string& signal = "KILL");
  Result<> restart_container(const std::string& id, const StopOptions& options = {});
  Result<> pause_container(const std::string& id);
  Result<> unpause_container(const std::string& id);
  Result<> remove_container(const std::string& id, const RemoveOptions& options = {});
  Result<> rename_container(const std::string& id, const std::string& name);
  Result<int> wait_container(const std::string& id);  // until it runs no more: its exit code
  // Returns when the project's keeper and supervisor have ended, if it has any and none of its containers runs.
  Result<> end_project(const std::string& project);
  // At once, also of a running container, which keeps its processes; of one that does not run, for its next start.
  // endpoint.network: name or id.
  Result<> connect_network(const std::string& id, const EndpointSpec& endpoint);
  // Force::yes: also from a network that is gone.
  Result<> disconnect_network(const std::string& id, const std::string& network, Force force = Force::no);

  // Containers: looking.
  Result<std::vector<Container>> list(const ListFilter& filter = {});  // oldest first
  Result<ContainerDetails> inspect(const std::string& id);
  Result<std::unique_ptr<Watch>> watch(const std::string& project, Unserved unserved = Unserved::leave);
  Result<ProcessTable> top(const std::string& id);
  Result<ContainerStats> stats(const std::string& id);
  // What it writes and has written. Code::unsupported: its log driver keeps nothing that could be read.
  Result<LogReader> logs(const std::string& id, const LogReadOptions& options = {});
  // Before it is started: all of what it will write, with LogReader::read_bytes(), although its log keeps less or
  // nothing.
  Result<LogReader> hold_output(const std::string& id);

  // Containers: talking.
  // A program that cannot be started is an error; *exit_code is then 126 or 127 as Docker counts.
  Result<Exec> exec(const std::string& id, const ExecSpec& spec, int* exit_code = nullptr);
  Result<Attachment> attach(const std::string& id);
  Result<> resize_terminal(const std::string& id, TerminalSize size);
  Result<PathKind> kind_of_path(const std::string& id, const std::string& path, Links links = Links::follow);
  // A tar archive of `path`, written to `out`, whose names begin with the path's last part (for "/": with what is in
  // it); and one extracted at the folder `path`. Running or not.
  Result<> copy_out(const std::string& id, const std::string& path, int out, Links links = Links::keep);
  Result<> copy_in(const std::string& id, const std::string& path, int in);

  // Networks.
  Result<Network> create_network(const NetworkSpec& spec);
  Result<> remove_network(const std::string& id);
  Result<Network> inspect_network(const std::string& id);
  Result<std::vector<Network>> list_networks(const StringMap& labels = {});

  // Volumes.
  Result<Volume> create_volume(const VolumeSpec& spec);  // one of that name is there already: that one
  Result<> remove_volume(const std::string& name, Force force = Force::no);  // yes: none there is success
  Result<Volume> inspect_volume(const std::string& name);
  Result<std::vector<Volume>> list_volumes(const StringMap& labels = {});
  // Of running containers, those that have it mounted: their files may change while they are read.
  Result<Strings> running_users_of_volume(const std::string& name);
  // All of its files as a tar archive; one extracted into it, over what is there; and a copy of all into another one,
  // which must be empty.
  Result<> export_volume(const std::string& name, int out);
  Result<> import_volume(const std::string& name, int in);
  Result<> copy_volume(const std::string& from, const std::string& to);

  Images images();
  Builds builds();
  Files files();

  // What has happened and happens, in a project, or ("") on the whole machine.
  EventStream events(const std::string& project = {});
  // That somebody follows what a container writes, or does something to it that the engine has no part in.
  void note_event(const Container& container, const std::string& action, const StringMap& attributes = {});

  // Removes what crashes have left behind: bundles, volumes and bridges that no record names.
  Result<> sweep();

  class Impl;

 private:
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace consort::engine

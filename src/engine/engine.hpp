// The container engine as a library: containers, networks and volumes, their state database, and access to the
// supervisors that keep containers running. Error messages are Docker's where Docker has one.
//
// Every operation may be called from any thread at any time; operations on the same container exclude each other. `id`
// stands for an ID, a unique prefix of one, or a name.
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
struct Changeable;  // engine/update.hpp
class EventStream;  // engine/events.hpp
class Files;        // engine/files.hpp
class Images;       // engine/images.hpp

// ---- options and answers --------------------------------------------------------------------------------------------

struct CreatedContainer {
  std::string id;
  Strings warnings;  // for the user: settings that can't be applied here
  // With auto_remove: while it is open, its owner is responsible for the container. Once it is closed (the owner may
  // have been killed), the container is left behind if it has ended or was never started: remove_left_behind().
  Fd hold;
};

enum class LeftBehind : std::uint8_t { hide, show };
struct ListFilter {
  std::optional<std::string> project;
  std::optional<std::string> service;
  StringMap labels;  // all must match; an empty value matches any
  // Containers that were to be removed when they ended, and whose owner was killed: as good as gone.
  LeftBehind left_behind = LeftBehind::hide;
};

struct StartOptions {
  int* exit_code = nullptr;  // set to 126 or 127 if the program could not be executed
  // Borrowed. Once it becomes readable, the call stops waiting (Code::interrupted); the container starts anyway.
  int cancel_fd = -1;
};

struct StopOptions {
  std::optional<Nanoseconds> timeout;  // nullopt = the container's own; 0 = immediately; negative = no limit
  std::string signal;                  // "" = the container's own
  int cancel_fd = -1;                  // as in StartOptions; the stop continues
};

enum class Links : std::uint8_t { keep, follow };  // what to do if the source of a copy is a symbolic link
enum class PathKind : std::uint8_t { missing, directory, other };
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
  bool streams = false;  // without tty: connect pipes, see Exec::take_streams(); otherwise /dev/null
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

// Held while a command changes a project. Other processes wait for it, or learn which process holds it.
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
  std::optional<Nanoseconds> patience;  // how long to wait; nullopt = without limit
  // Called once if another process holds it, with "another consort (pid 4711: consort up -d) is working on project x:
  // waiting for it".
  std::function<void(const std::string& holder)> on_wait;
};

// A change of one container, as reported by its supervisor.
struct StateChange {
  std::string id;
  ContainerState state;
  bool gone = false;  // the container was removed
};

// What to do if keeper and supervisor were killed while a command waits for their containers.
enum class Unserved : std::uint8_t {
  leave,   // start nothing; for commands that only read
  revive,  // start a new keeper and supervisor, which take over the running containers
};

// A stream of state changes of one project's containers. Wait for fd() to become readable, then call next().
class Watch {
 public:
  virtual ~Watch() = default;
  virtual int fd() const = 0;  // -1: no supervisor is running, so nothing can change
  // nullopt if there is nothing at the moment; Code::not_found if the supervisor has ended.
  virtual Result<std::optional<StateChange>> next() = 0;
};

// ---- the engine -----------------------------------------------------------------------------------------------------

class Engine {
 public:
  // Creates the roots, the database and its tables as needed. Cheap: a few hundred microseconds if everything exists.
  static Result<std::unique_ptr<Engine>> open(Roots roots);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Roots& roots() const;

  Result<ProjectLock> lock_project(const std::string& project, LockOptions options = {});
  // A descriptor that becomes readable when the command that holds the lock may have released it. nullopt: nobody holds
  // it, or this process does.
  Result<std::optional<Fd>> watch_lock(const std::string& project);

  // Container lifecycle.
  Result<CreatedContainer> create_container(const ContainerSpec& spec);
  // Announces that a container of the project will be started soon: prepares what it needs in the background.
  void expect_start(const std::string& project);
  // Does nothing if the container is already running.
  Result<> start_container(const std::string& id, const StartOptions& options = {});
  Result<> stop_container(const std::string& id, const StopOptions& options = {});
  Result<> kill_container(const std::string& id, const std::string& signal = "KILL");
  Result<> restart_container(const std::string& id, const StopOptions& options = {});
  Result<> pause_container(const std::string& id);
  Result<> unpause_container(const std::string& id);
  Result<> remove_container(const std::string& id, const RemoveOptions& options = {});
  // Removes what is left behind, of one project or of all; how many there were. What cannot be removed does not keep
  // the others. lock_project() does so for its project.
  Result<std::size_t> remove_left_behind(const std::optional<std::string>& project = {});
  Result<> rename_container(const std::string& id, const std::string& name);
  // `change` gets the current limits and restart policy and edits them. On a running container they take effect at
  // once, through its cgroup and its supervisor; on a stopped one, at its next start. Returns warnings for the user.
  Result<Strings> update_container(const std::string& id, const std::function<Result<>(Changeable&)>& change);
  // Removes the link by which container `id` knows another one as `alias`, on the default network. A running container
  // keeps the name in its hosts file until its next start. Code::not_found: there is no such link.
  Result<> remove_link(const std::string& id, const std::string& alias);
  Result<int> wait_container(const std::string& id);  // waits until it ends; its exit code
  // If none of the project's containers runs, waits until its keeper and supervisor have ended.
  Result<> end_project(const std::string& project);
  // Takes effect immediately for a running container, whose processes keep running; otherwise at the next start.
  // endpoint.network: name or ID.
  Result<> connect_network(const std::string& id, const EndpointSpec& endpoint);
  // Force::yes: also works for a network that no longer exists.
  Result<> disconnect_network(const std::string& id, const std::string& network, Force force = Force::no);

  // Queries about containers.
  Result<std::vector<Container>> list(const ListFilter& filter = {});  // oldest first
  Result<ContainerDetails> inspect(const std::string& id);
  Result<std::unique_ptr<Watch>> watch(const std::string& project, Unserved unserved = Unserved::leave);
  Result<ProcessTable> top(const std::string& id);
  Result<ContainerStats> stats(const std::string& id);
  // A container's log, including lines added later. Code::unsupported: its log driver keeps nothing that can be read.
  Result<LogReader> logs(const std::string& id, const LogReadOptions& options = {});
  // Must be called before the start: LogReader::read_bytes() then returns the complete output, even if the log keeps
  // less of it or nothing.
  Result<LogReader> hold_output(const std::string& id);

  // Exec, attach and copy.
  // If the program cannot be started, that is an error; *exit_code is then 126 or 127, as in Docker.
  Result<Exec> exec(const std::string& id, const ExecSpec& spec, int* exit_code = nullptr);
  Result<Attachment> attach(const std::string& id);
  Result<> resize_terminal(const std::string& id, TerminalSize size);
  Result<PathKind> kind_of_path(const std::string& id, const std::string& path, Links links = Links::follow);
  // copy_out writes a tar archive of `path` to `out` (borrowed); names in it begin with the last component of the path
  // (for "/": the names in it). copy_in extracts an archive into the directory `path`. The container need not be
  // running.
  Result<> copy_out(const std::string& id, const std::string& path, int out, Links links = Links::keep);
  Result<> copy_in(const std::string& id, const std::string& path, int in);

  // Networks.
  Result<Network> create_network(const NetworkSpec& spec);
  Result<> remove_network(const std::string& id);
  Result<Network> inspect_network(const std::string& id);
  Result<std::vector<Network>> list_networks(const StringMap& labels = {});

  // Volumes.
  Result<Volume> create_volume(const VolumeSpec& spec);                      // an existing one is returned
  Result<> remove_volume(const std::string& name, Force force = Force::no);  // yes: a missing volume is not an error
  Result<Volume> inspect_volume(const std::string& name);
  Result<std::vector<Volume>> list_volumes(const StringMap& labels = {});
  // Running containers that have it mounted, so files may change while they are read.
  Result<Strings> running_users_of_volume(const std::string& name);
  // Export writes all files to a tar archive; import extracts one over the existing files; copy copies all files to
  // another volume, which must be empty.
  Result<> export_volume(const std::string& name, int out);
  Result<> import_volume(const std::string& name, int in);
  Result<> copy_volume(const std::string& from, const std::string& to);

  Images images();
  Builds builds();
  Files files();

  // Past and future events of a project, or of the whole machine ("").
  EventStream events(const std::string& project = {});
  // Records an event that the engine is not involved in, such as attaching to a container's output.
  void note_event(const Container& container, const std::string& action, const StringMap& attributes = {});

  // Removes leftovers of crashes: bundles, volumes and bridges that no record refers to.
  Result<> sweep();

  class Impl;

 private:
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace consort::engine

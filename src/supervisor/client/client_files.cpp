// Client: starting a supervisor, and what can be known without one.
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "base/os/files/file.hpp"
#include "base/os/files/flock.hpp"
#include "base/os/processes/own_programs.hpp"
#include "base/os/processes/process.hpp"
#include "base/os/sockets/unix_socket.hpp"
#include "base/os/trees/directory.hpp"
#include "place/place.hpp"
#include "supervisor/client.hpp"
#include "supervisor/client/conversation.hpp"
#include "supervisor/container/record.hpp"
#include "supervisor/jobs.hpp"
#include "supervisor/loop/keeper_lock.hpp"
#include "supervisor/scope.hpp"

namespace consort::supervisor {
namespace {

constexpr std::size_t record_bytes_limit = std::size_t{32} << 20;  // thousands of ports are some MiB

enum class Begun : std::uint8_t {
  serves,
  ended,   // it was killed before it answered: its keeper starts another, or has ended with it
  outrun,  // somebody else's serves, or is about to
};

// The caller's wish not to wait any more is looked at before each pause.
Result<> pause(std::chrono::milliseconds length, int cancel_fd) {
  pollfd wish{cancel_fd, POLLIN, 0};
  if (::poll(&wish, 1, static_cast<int>(length.count())) > 0) return fail(Code::interrupted, "interrupted");
  return {};
}

// What the supervisor says of its start, at whose end it closes its end. Who does not wait for it leaves a pair behind
// that is found by the next one.
Result<std::string> hear_of_start(const Fd& ready, int cancel_fd) {
  std::array<pollfd, 2> fds{pollfd{ready.get(), POLLIN, 0}, pollfd{cancel_fd, POLLIN, 0}};
  while (::poll(fds.data(), fds.size(), -1) < 0)
    if (errno != EINTR) return fail_errno("wait for the supervisor");
  if (fds[0].revents == 0) return fail(Code::interrupted, "interrupted");
  return read_all(ready.get(), 65536);
}

Result<Begun> start_programs(const Roots& roots, const std::string& project, const std::string& run_directory,
                             int cancel_fd) {
  const std::string keeper = TRY(find_own_program("consort-keeper"));
  const std::string supervisor = TRY(find_own_program("consort-supervisor"));
  const auto init = find_own_program("consort-init");
  Pipe ready = TRY(make_pipe());
  Pipe gate = TRY(make_pipe());
  const Fd log = TRY(open_file(run_directory + "/supervisor.log", O_WRONLY | O_CREAT | O_APPEND, 0600));
  SpawnOptions options;
  options.argv = {keeper, supervisor, project, roots.data, roots.run};
  if (init) options.argv.push_back(*init);
  // Not the user's environment: the programs live longer than the command, and it may hold secrets.
  options.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  for (const char* const kept : {"CONSORT_LOOP_LIMIT_MS", "CONSORT_SETTINGS"})  // event_loop.hpp, settings.hpp
    if (const char* const value = ::getenv(kept)) options.environment.push_back(std::string(kept) + "=" + value);
  options.in = gate.read.get();
  options.out = ready.write.get();
  options.err = log.get();
  const place::Place place = TRY(place::Place::connect(roots));
  if (const Result<> linked = place.link(); !linked) {
    const Error& error = linked.error();
    (void)write_full(log.get(), error.message() + (error.hint_text().empty() ? "" : ": " + error.hint_text()) + "\n");
  }
  ChildGuard child = TRY(place.run([&] { return spawn(options); }));
  ready.write.reset();
  if (const Result<> entered = enter_scope(project, child.pid()); !entered)
    (void)write_full(log.get(), "without a scope of its own: " + entered.error().message() + "\n");
  gate.write.reset();
  TRY(child.wait());  // it leaves the real keeper behind and ends
  const std::string answer = TRY(hear_of_start(ready.read, cancel_fd));
  if (answer == "ok") return Begun::serves;
  if (answer == outrun) return Begun::outrun;
  if (answer.empty()) return Begun::ended;
  return fail(Error(Code::io, "start supervisor of project")
                  .on(project)
                  .why(answer)
                  .hint("see " + run_directory + "/supervisor.log"));
}

bool is_running(const ContainerState& state) {
  if (state.pid <= 0) return false;
  const auto started = process_start_time(state.pid);
  return started && *started == state.pid_started;
}

enum class Boot : std::uint8_t { this_one, unknown };

// Recorded as running by a supervisor that is not there any more. A pid means something in the boot of its time only.
ObservedContainer settled(ObservedContainer state, Boot boot) {
  if (!state.running() || (boot == Boot::this_one && is_running(state))) return state;
  state.status = Status::exited;
  state.pid = 0;
  state.pid_started = 0;
  state.exit_code.reset();
  state.ports.clear();
  state.lost_ports.clear();
  state.stopping = false;
  if (state.health.status != HealthStatus::none) state.health.status = HealthStatus::unhealthy;
  return state;
}

Result<std::optional<ObservedContainer>> read_state(const std::string& path, Boot boot) {
  const auto text = read_file(path, record_bytes_limit);
  if (!text && text.error().sys_errno() == ENOENT) return std::optional<ObservedContainer>{};
  if (!text) return fail(text.error());
  return std::optional<ObservedContainer>(settled(TRY(state_from_json(*text, path)), boot));
}

// Somebody answers, and will go on answering: without a keeper, a supervisor is about to notice that, and to end.
Result<bool> is_served(const Roots& roots, const std::string& project) {
  auto socket = connect_to(roots, project);
  if (!socket && socket.error().code() == Code::busy) return fail(std::move(socket.error()));
  return socket && keeper_lives(roots.project_run(project));
}

// Waits for the successor that the keeper starts. False: there is no keeper, so nobody will come, and nobody is left.
Result<bool> await_successor(const Roots& roots, const std::string& project, int cancel_fd) {
  const std::string run_directory = roots.project_run(project);
  constexpr int most_waits = 1500;
  for (int i = 0; i < most_waits; ++i) {
    auto socket = connect_to(roots, project);
    if (!socket && socket.error().code() == Code::busy) return fail(std::move(socket.error()));
    const bool kept = keeper_lives(run_directory);
    if (socket.has_value() == kept) return kept;
    TRY(pause(std::chrono::milliseconds(20), cancel_fd));
  }
  const bool kept = keeper_lives(run_directory);
  return fail(Error(Code::lost, "talk to the supervisor of project")
                  .on(project)
                  .why(kept ? "it has exited, and a new one does not become ready"
                            : "its keeper was killed, and it does not exit")
                  .hint("see " + run_directory + "/supervisor.log"));
}

Result<Fd> lock_starts(const std::string& run_directory, int cancel_fd) {
  const std::string path = run_directory + "/supervisor.lock";
  Fd lock = TRY(open_file(path, O_RDWR | O_CREAT, 0600));
  TRY(lock_exclusive(lock.get(), path, {.cancel_fd = cancel_fd}));
  return lock;
}

// The files of the project's run directory, one a container.
std::vector<std::string> record_paths(const std::string& run_directory) {
  const std::string directory = run_directory + "/containers";
  std::vector<std::string> paths;
  for (const std::string& name : list_directory(directory).value_or(std::vector<std::string>()))
    if (name.ends_with(".json")) paths.push_back(join_path(directory, name));
  return paths;
}

// What the project's run directory says, checked against the processes that there are.
std::vector<ObservedContainer> recorded_states(const std::string& run_directory) {
  std::vector<ObservedContainer> states;
  for (const std::string& path : record_paths(run_directory))
    if (std::optional<ObservedContainer> state = read_state(path, Boot::this_one).value_or(std::nullopt))
      states.push_back(std::move(*state));
  return states;
}

// Something is under way that only a supervisor can bring to its end: a run, an end that nobody has seen, a restart
// that is due, a start that was cut, ports that the firewall still knows.
bool is_unsettled(const std::string& path) {
  const auto text = read_file(path, record_bytes_limit);
  const auto record = text ? record_from_json(*text, path) : Result<Record>(fail(Code::not_found, "read", path));
  return record && (record->launching || record->state.running() || !record->told_ports.empty());
}

}  // namespace

Result<> ensure_supervisor(const Roots& roots, const std::string& project, int cancel_fd) {
  const std::string run_directory = roots.project_run(project);
  if (TRY(is_served(roots, project))) return {};
  TRY(make_directories(run_directory + "/containers", 0700));
  // Held until the new one answers; one that is about to end looks at this lock first.
  const Fd lock = TRY(lock_starts(run_directory, cancel_fd));
  // The lock ends with its holder: a starter that was killed may have left a pair that is not ready yet.
  constexpr int most_tries = 3;
  for (int i = 0; i < most_tries; ++i) {
    if (TRY(await_successor(roots, project, cancel_fd))) return {};
    if (TRY(start_programs(roots, project, run_directory, cancel_fd)) == Begun::serves) return {};
  }
  if (TRY(await_successor(roots, project, cancel_fd))) return {};
  return fail(Error(Code::io, "start supervisor of project")
                  .on(project)
                  .why("it exited before it was ready")
                  .hint("see " + run_directory + "/supervisor.log"));
}

Result<bool> revive_supervisor(const Roots& roots, const std::string& project, int cancel_fd) {
  const std::string run_directory = roots.project_run(project);
  if (keeper_lives(run_directory)) return false;
  if (!std::ranges::any_of(record_paths(run_directory), is_unsettled) && !has_clock(roots, project)) return false;
  TRY(ensure_supervisor(roots, project, cancel_fd));
  return true;
}

std::optional<Fd> claim_abandoned(const Roots& roots, const std::string& project) {
  const std::string run_directory = roots.project_run(project);
  auto lock = open_file(run_directory + "/supervisor.lock", O_RDWR | O_CREAT, 0600);
  if (!lock) return lock.error().sys_errno() == ENOENT ? std::optional(Fd()) : std::nullopt;
  if (::flock(lock->get(), LOCK_EX | LOCK_NB) != 0 || keeper_lives(run_directory)) return std::nullopt;
  if (std::ranges::any_of(record_paths(run_directory), is_unsettled)) return std::nullopt;
  return std::move(*lock);
}

Result<std::vector<ObservedContainer>> observe(const Roots& roots, const std::string& project,
                                               const std::shared_ptr<Patience>& patience) {
  const Client client(roots, project, patience);
  if (auto live = client.snapshot(); live) return live;
  return recorded_states(roots.project_run(project));
}

namespace {

// A supervisor of an older version tells of all of them.
Result<std::vector<ObservedContainer>> observe_one(const Roots& roots, const std::string& project,
                                                   const std::string& id, Patience* patience) {
  auto asked = ask(roots, project, request_for(Op::snapshot, id), {.patience = patience});
  if (asked && asked->answer.reply.ok)
    if (auto live = receive_states(asked->socket.get(), std::move(asked->answer.reply), patience); live) return live;
  return recorded_states(roots.project_run(project));
}

}  // namespace

Result<std::map<std::string, ObservedContainer>> observe(const Roots& roots, const std::string& project,
                                                         std::span<const std::string> container_ids,
                                                         const std::shared_ptr<Patience>& patience) {
  std::map<std::string, ObservedContainer> all;
  for (ObservedContainer& state :
       TRY(container_ids.size() == 1 ? observe_one(roots, project, container_ids.front(), patience.get())
                                     : observe(roots, project, patience))) {
    std::string id = state.id;
    all.emplace(std::move(id), std::move(state));
  }
  std::map<std::string, ObservedContainer> found;
  for (const std::string& id : container_ids) {
    if (const auto known = all.find(id); known != all.end()) {
      found.emplace(id, std::move(known->second));
      continue;
    }
    auto earlier = TRY(read_state(roots.container(id) + "/state.json", Boot::unknown));
    if (earlier) found.emplace(id, std::move(*earlier));
  }
  return found;
}

}  // namespace consort::supervisor

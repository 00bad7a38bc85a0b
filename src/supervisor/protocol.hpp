// The protocol on run/projects/PROJECT/control.sock, a unix SEQPACKET socket (mode 0600): one JSON object per message,
// possibly with descriptors. No descriptor from a request reaches a container. See docs/protocols.md.
//
// A connection carries one request; what follows depends on it:
//   snapshot                               -> {"ok":true,"states":[...],"more":bool}... until more is false
//   subscribe                              -> the same, then {"event":KIND,"state":{...},...} until either side closes
//   start    {unit,made?,host_links?}      -> {"ok":true,"state":{...}} once it runs (its init has passed execve); made
//                                             names the descriptors with it: made_ahead.hpp
//   stop     {id,timeout_ms?,signal?}      -> the same, once it has ended
//   restart  {id,timeout_ms?,signal?}      -> the same, once it runs again
//   kill     {id,signal}                   -> once the signal is sent
//   pause, unpause {id}                    -> once done
//   reconnect{id}                          -> {"ok":true,"state":{...}} once it is on the networks in its unit.json;
//                                             at once if it is not running
//   wait     {id,until}                    -> once it is not running ("not_running") or ends next ("next_exit")
//   exec     {id,process,tty,streams,detach} -> {"ok":true,"exec":N,"pid":P} + pidfd (+ pty master if tty, + writer of
//                                             its input, readers of its output and errors if streams), then
//                                             {"exit_code":N}; also takes {"resize":[rows,columns]} meanwhile
//   exec_wait{id,exec}                     -> {"exit_code":N}; after the supervisor was replaced
//   resize   {id,rows,columns}             -> once done
//   attach   {id}                          -> {"ok":true,"tty":bool} + the writer of its stdin, or its pty master
//   forget   {id}                          -> once all traces of a container that is not running are removed
//   shutdown                               -> once everything has stopped: {"ok":true} + pidfds of the supervisor and
//                                             the keeper, which end now
//   end                                    -> the same at once if nothing runs; else {"ok":true}, and nothing changes
//   clock                                  -> once the jobs have been read again
//   fire     {job,id,reschedule}           -> once a run with that ID is being started
// A failure is {"ok":false,"error":{code,message,hint?,exit_code?}}.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "supervisor/made_ahead.hpp"
#include "supervisor/state.hpp"
#include "supervisor/streams.hpp"
#include "supervisor/unit.hpp"

namespace consort::supervisor {

enum class Op : std::uint8_t {
  snapshot,
  subscribe,
  start,
  stop,
  restart,
  kill,
  pause,
  unpause,
  reconnect,
  wait,
  exec,
  exec_wait,
  resize,
  attach,
  forget,
  shutdown,
  end,
  clock,
  fire,
};

enum class WaitUntil : std::uint8_t { not_running, next_exit };

struct Request {
  Op op = Op::snapshot;
  std::string id;
  std::string unit;                     // start: path of unit.json
  MadeAheadNames made;                  // start: the descriptors sent with it
  std::optional<Milliseconds> timeout;  // stop, restart; none: the container's own, 0: kill at once, negative: no limit
  std::optional<int> signal;            // stop, restart: instead of the container's own; kill: required
  WaitUntil until = WaitUntil::not_running;
  std::string process;  // exec: an OCI `process` object as JSON text
  bool tty = false;
  bool streams = false;  // exec without tty: pipes, made by the supervisor
  bool detach = false;
  std::uint64_t exec = 0;
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
  std::string job;  // fire
  bool reschedule = false;
};

// Events of containers, in the order of Docker's (GET /events of the Engine API).
enum class EventKind : std::uint8_t {
  start,
  die,
  kill,
  stop,
  restart,
  restarting,  // the restart policy waits before the next start
  oom,
  pause,
  unpause,
  health,
  exec_start,
  exec_die,
  forget,
};

struct Event {
  EventKind kind = EventKind::start;
  SystemTime time{};
  int signal = 0;           // kill
  std::string exec_argv;    // exec_start, exec_die
  ObservedContainer state;  // after the event
};

struct Failure {
  Code code = Code::internal;
  std::string message;
  std::string hint;
  std::optional<int> exit_code;  // of a failed start or exec: 126, 127, 128 as in Docker
  Subject subject = Subject::none;
  std::string subject_name;
};

struct Reply {
  bool ok = false;
  std::optional<Failure> failure;
  std::optional<ObservedContainer> state;
  std::vector<ObservedContainer> states;
  bool more = false;
  std::uint64_t exec = 0;
  pid_t pid = 0;
  bool tty = false;
  std::optional<int> exit_code;
};

std::string_view to_string(Op op);
std::string_view to_string(EventKind kind);
std::optional<Op> op_from(std::string_view text);
std::optional<EventKind> event_kind_from(std::string_view text);

std::string request_to_json(const Request& request);
Result<Request> request_from_json(std::string_view text);
std::string reply_to_json(const Reply& reply);
Result<Reply> reply_from_json(std::string_view text);
std::string event_to_json(const Event& event);
Result<Event> event_from_json(std::string_view text);
std::string resize_to_json(TerminalSize size);
Result<TerminalSize> resize_from_json(std::string_view text);

Failure failure_of(const Error& error);
Error error_of(const Failure& failure);  // without the exit code

// Paths under the run root.
std::string control_socket_path(const std::string& project_run);
std::string run_state_path(const std::string& project_run, const std::string& container_id);

}  // namespace consort::supervisor

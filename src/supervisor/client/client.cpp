#include "supervisor/client.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/narrow.hpp"
#include "base/os/file.hpp"
#include "base/os/process.hpp"
#include "base/os/unix_socket.hpp"
#include "supervisor/jobs.hpp"
#include "supervisor/loop/keeper_lock.hpp"

namespace consort::supervisor {
namespace {

struct Answer {
  Reply reply;
  std::vector<Fd> fds;
};

// With the connection on which it came, and more of it may come.
struct Conversation {
  Fd socket;
  Answer answer;
};

constexpr std::chrono::seconds longest_end{5};
// A keeper starts a successor within a second; that takes its time when it has much to take over.
constexpr std::chrono::seconds longest_wait_for_successor{30};

std::chrono::steady_clock::time_point patience_ends() {
  return std::chrono::steady_clock::now() + longest_wait_for_successor;
}

Error still_there(const std::string& project) {
  return Error(Code::busy, "end the supervisor of project")
      .on(project)
      .why("it or its keeper has not ended")
      .hint("see supervisor.log in the project's run directory");
}

Result<bool> wait_readable(int fd, std::chrono::steady_clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd wait{fd, POLLIN, 0};
    const int got = ::poll(&wait, 1, left.count() > 0 ? saturated<int>(left.count()) : 0);
    if (got > 0) return true;
    if (got < 0 && errno != EINTR) return fail_errno("wait for process");
    if (got == 0) return false;
  }
}

Error supervisor_gone() {
  return Error(Code::lost, "talk to the project's supervisor")
      .why("it ended before it answered")
      .hint("run the command again; supervisor.log in the project's run directory says more");
}

// Never the socket's own words: a user knows of no socket. The number stays, for nobody_there().
Error not_running(const std::string& project, const Error& cause) {
  Error error = Error(Code::lost, "talk to the supervisor of project")
                    .on(project)
                    .why("it is not running")
                    .hint("run the command again; supervisor.log in the project's run directory says more");
  error.data().sys_errno = cause.sys_errno();
  return error;
}

bool nobody_there(const Error& error) {
  const int number = error.sys_errno();
  return number == ENOENT || number == ECONNREFUSED || number == ENOTDIR;
}

// Its process, if somebody has stopped that (SIGSTOP): then no answer comes until it is let go on.
std::optional<pid_t> stopped_at_other_end(int socket) {
  ucred other{};
  socklen_t size = sizeof other;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &other, &size) != 0) return std::nullopt;
  const auto stat = read_file("/proc/" + std::to_string(other.pid) + "/stat", 4096);
  const std::size_t name_end = stat ? stat->rfind(") ") : std::string::npos;
  if (name_end == std::string::npos || stat->compare(name_end + 2, 1, "T") != 0) return std::nullopt;
  return other.pid;
}

Error is_stopped(pid_t supervisor) {
  const std::string pid = std::to_string(supervisor);
  return Error(Code::busy, "talk to the project's supervisor")
      .why("its process " + pid + " is stopped")
      .hint("`kill -CONT " + pid + "` lets it go on");
}

// Until the socket is readable; Code::interrupted: the caller does not want to wait for an answer any more.
Result<> await_answer(int socket, int cancel_fd) {
  constexpr int between_looks_ms = 1000, most_looks = 3;
  std::array<pollfd, 2> fds{pollfd{socket, POLLIN, 0}, pollfd{cancel_fd, POLLIN, 0}};
  for (int stopped = 0;;) {
    const int got = ::poll(fds.data(), fds.size(), between_looks_ms);
    if (got < 0 && errno != EINTR) return fail_errno("wait for the supervisor's answer");
    if (got > 0) break;
    const auto pid = got == 0 ? stopped_at_other_end(socket) : std::nullopt;
    stopped = pid ? stopped + 1 : 0;
    if (pid && stopped == most_looks) return fail(is_stopped(*pid));
  }
  if (fds[0].revents != 0) return {};
  return fail(Code::interrupted, "interrupted");
}

bool is_cancelled(int cancel_fd) {
  pollfd wish{cancel_fd, POLLIN, 0};
  return cancel_fd >= 0 && ::poll(&wish, 1, 0) > 0;
}

Result<Answer> receive_answer(int socket) {
  auto message = receive_message(socket);
  if (!message && message.error().sys_errno() == ECONNRESET) return fail(supervisor_gone());
  if (!message) return fail(std::move(message.error()));
  std::optional<Message>& got = *message;
  if (!got) return fail(supervisor_gone());
  Answer answer;
  answer.reply = TRY(reply_from_json(got->text));
  answer.fds = std::move(got->fds);
  if (!answer.reply.ok && !answer.reply.failure) return fail(Code::internal, "read the supervisor's answer");
  return answer;
}

Result<Fd> connect_to(const Roots& roots, const std::string& project) {
  auto socket = connect_unix(control_socket_path(roots.project_run(project)));
  if (!socket && nobody_there(socket.error())) return fail(not_running(project, socket.error()));
  return socket;
}

// What a question is asked with, beside its words.
struct Asking {
  int cancel_fd = -1;              // borrowed; readable: the caller does not want to wait for the answer any more
  std::vector<int> descriptors{};  // borrowed
};

Result<Conversation> ask_on_connection(const Roots& roots, const std::string& project, const Request& request,
                                       const Asking& asking) {
  Fd socket = TRY(connect_to(roots, project));
  if (auto sent = send_message(socket.get(), request_to_json(request), asking.descriptors); !sent) {
    if (sent.error().sys_errno() == EPIPE || sent.error().sys_errno() == ECONNRESET) return fail(supervisor_gone());
    return fail(std::move(sent.error()));
  }
  TRY(await_answer(socket.get(), asking.cancel_fd));
  Answer answer = TRY(receive_answer(socket.get()));
  return Conversation{std::move(socket), std::move(answer)};
}

// Only what acts on a container: looking must not start anything.
bool may_revive(Op op) {
  switch (op) {
    case Op::stop:
    case Op::restart:
    case Op::kill:
    case Op::pause:
    case Op::unpause:
    case Op::reconnect:
    case Op::exec:
    case Op::attach:
    case Op::shutdown:
    case Op::wait:
    case Op::forget:
      return true;
    default:
      return false;
  }
}

// The supervisor can be replaced at any moment. What may safely be asked again is asked again, for as long as there is
// a keeper that starts a successor; without a keeper we start the pair, if there is something for it to look after.
Result<Conversation> ask(const Roots& roots, const std::string& project, const Request& request,
                         const Asking& asking = {}, std::chrono::steady_clock::time_point deadline = patience_ends()) {
  const std::string run_folder = roots.project_run(project);
  for (int i = 0;; ++i) {
    auto asked = ask_on_connection(roots, project, request, asking);
    if (asked || is_cancelled(asking.cancel_fd) || std::chrono::steady_clock::now() > deadline) return asked;
    const bool nobody = nobody_there(asked.error());
    if (nobody && may_revive(request.op) && TRY(revive_supervisor(roots, project))) continue;
    const bool repeatable = request.op != Op::exec && request.op != Op::kill && request.op != Op::attach;
    const bool cut_off = asked.error().code() == Code::lost && !nobody && repeatable;
    // A supervisor that ends takes its socket's name away; one that was killed leaves it.
    const bool refused = asked.error().sys_errno() == ECONNREFUSED || (i > 0 && nobody);
    if (!cut_off && !refused) return asked;
    if (keeper_lives(run_folder)) {
      ::poll(nullptr, 0, 20);
    } else if (!cut_off) {
      return asked;
    }  // else it ended in order, with us at the door: the next try finds nobody, or somebody new
  }
}

// Of an answer that is not `ok`. exit_code: of a program that could not be started, if one is asked for.
Error failure_in(const Reply& reply, int* exit_code = nullptr) {
  const std::optional<Failure>& failure = reply.failure;
  if (!failure) return Error(Code::internal, "read the supervisor's answer");
  const std::optional<int>& code = failure->exit_code;
  if (exit_code != nullptr && code) *exit_code = *code;
  return error_of(*failure);
}

Result<Answer> call(const Roots& roots, const std::string& project, const Request& request, int* exit_code = nullptr,
                    const Asking& asking = {}, std::chrono::steady_clock::time_point deadline = patience_ends()) {
  auto asked = TRY(ask(roots, project, request, asking, deadline));
  Answer answer = std::move(asked.answer);
  if (answer.reply.ok) return answer;
  return fail(failure_in(answer.reply, exit_code));
}

Request request_for(Op op, const std::string& container_id) {
  Request request;
  request.op = op;
  request.id = container_id;
  return request;
}

Result<ObservedContainer> state_from(const Answer& answer) {
  const std::optional<ObservedContainer>& state = answer.reply.state;
  if (!state) return fail(Code::internal, "read the supervisor's answer");
  return *state;
}

// A container without a supervisor does not run, or one would have been started again for it.
Result<Answer> call_on_running(const Roots& roots, const std::string& project, const Request& request) {
  auto answer = call(roots, project, request);
  if (!answer && nobody_there(answer.error()))
    return fail(Error(Code::conflict, "container " + request.id + " is not running"));
  return answer;
}

Result<std::vector<ObservedContainer>> receive_states(int socket, Reply first) {
  std::vector<ObservedContainer> states = std::move(first.states);
  for (bool more = first.more; more;) {
    TRY(await_answer(socket, -1));
    Answer answer = TRY(receive_answer(socket));
    if (!answer.reply.ok) return fail(failure_in(answer.reply));
    for (ObservedContainer& state : answer.reply.states) states.push_back(std::move(state));
    more = answer.reply.more;
  }
  return states;
}

}  // namespace

Result<bool> Client::running() const {
  const auto socket = connect_to(roots_, project_);
  if (socket) return true;
  if (nobody_there(socket.error())) return false;
  return fail(Error(socket.error().code(), socket.error().message()));
}

Result<std::vector<ObservedContainer>> Client::snapshot() const {
  Conversation asked = TRY(ask(roots_, project_, request_for(Op::snapshot, "")));
  if (!asked.answer.reply.ok) return fail(failure_in(asked.answer.reply));
  return receive_states(asked.socket.get(), std::move(asked.answer.reply));
}

Result<Subscription> Client::subscribe() const {
  Conversation asked = TRY(ask(roots_, project_, request_for(Op::subscribe, "")));
  if (!asked.answer.reply.ok) return fail(failure_in(asked.answer.reply));
  auto states = TRY(receive_states(asked.socket.get(), std::move(asked.answer.reply)));
  return Subscription(std::move(asked.socket), std::move(states));
}

Result<std::optional<Event>> Subscription::next() {
  auto message = receive_message(socket_.get());
  if (!message && message.error().sys_errno() == ECONNRESET) return std::optional<Event>{};
  if (!message) return fail(std::move(message.error()));
  const std::optional<Message>& got = *message;
  if (!got) return std::optional<Event>{};
  return std::optional<Event>(TRY(event_from_json(got->text)));
}

Result<ObservedContainer> Client::start(const std::string& unit_path, int* exit_code, int cancel_fd,
                                        const MadeAhead& made) const {
  Request request;
  request.op = Op::start;
  request.unit = unit_path;
  request.made = names_of(made);
  const Asking asking{cancel_fd, descriptors_of(made)};
  constexpr int most_tries = 20;          // it may end between our look and our question, with others at work
  const auto deadline = patience_ends();  // of all tries together
  for (int i = 0;; ++i) {
    auto answer = call(roots_, project_, request, exit_code, asking, deadline);
    if (answer) return state_from(*answer);
    if (is_cancelled(cancel_fd)) return fail(std::move(answer.error()));
    const bool nobody = nobody_there(answer.error());
    const bool ending = !nobody && answer.error().code() == Code::lost;
    const bool over = i == most_tries || std::chrono::steady_clock::now() > deadline;
    if (over || !(ending || nobody)) return fail(std::move(answer.error()));
    if (ending) TRY(end());
    TRY(ensure());
  }
}

Result<ObservedContainer> Client::stop(const std::string& container_id, const StopOptions& options) const {
  Request request = request_for(Op::stop, container_id);
  request.timeout = options.timeout;
  request.signal = options.signal;
  auto answer = call(roots_, project_, request, nullptr, {.cancel_fd = options.cancel_fd});
  if (answer) return state_from(*answer);
  const bool unknown = answer.error().code() == Code::not_found || nobody_there(answer.error());
  if (!unknown) return fail(std::move(answer.error()));
  const std::array<std::string, 1> ids{container_id};
  auto states = TRY(observe(roots_, project_, ids));
  const auto found = states.find(container_id);
  if (found == states.end()) return fail(std::move(answer.error()));
  if (found->second.has_process()) return fail(std::move(answer.error()));
  return std::move(found->second);
}

Result<ObservedContainer> Client::restart(const std::string& container_id, const StopOptions& options) const {
  Request request = request_for(Op::restart, container_id);
  request.timeout = options.timeout;
  request.signal = options.signal;
  return state_from(TRY(call_on_running(roots_, project_, request)));
}

Result<> Client::kill(const std::string& container_id, int signal) const {
  Request request = request_for(Op::kill, container_id);
  request.signal = signal;
  TRY(call_on_running(roots_, project_, request));
  return {};
}

Result<> Client::pause(const std::string& container_id) const {
  TRY(call_on_running(roots_, project_, request_for(Op::pause, container_id)));
  return {};
}

Result<> Client::unpause(const std::string& container_id) const {
  TRY(call_on_running(roots_, project_, request_for(Op::unpause, container_id)));
  return {};
}

Result<ObservedContainer> Client::reconnect(const std::string& container_id) const {
  auto answer = call_on_running(roots_, project_, request_for(Op::reconnect, container_id));
  if (answer) return state_from(*answer);
  if (answer.error().code() != Code::invalid) return fail(std::move(answer.error()));
  return fail(std::move(answer.error())
                  .hint("the supervisor may be of an older version of this program: stop the project's containers, and "
                        "start them again"));
}

Result<> Client::resize(const std::string& container_id, TerminalSize size) const {
  Request request = request_for(Op::resize, container_id);
  request.rows = size.rows;
  request.columns = size.columns;
  TRY(call_on_running(roots_, project_, request));
  return {};
}

Result<Attachment> Client::attach(const std::string& container_id) const {
  Answer answer = TRY(call_on_running(roots_, project_, request_for(Op::attach, container_id)));
  if (answer.fds.empty()) return fail(Code::internal, "read the supervisor's answer");
  Attachment attachment;
  (answer.reply.tty ? attachment.terminal : attachment.input) = std::move(answer.fds.front());
  return attachment;
}

Result<ObservedContainer> Client::wait(const std::string& container_id, WaitUntil until) const {
  Request request = request_for(Op::wait, container_id);
  request.until = until;
  auto answer = call(roots_, project_, request);
  if (answer) return state_from(*answer);
  // Its supervisor has ended, so it does not run any more.
  if (!nobody_there(answer.error())) return fail(std::move(answer.error()));
  const std::array<std::string, 1> ids{container_id};
  auto states = TRY(observe(roots_, project_, ids));
  const auto found = states.find(container_id);
  if (found == states.end()) return fail(std::move(answer.error()));
  return std::move(found->second);
}

Result<> Client::forget(const std::string& container_id) const {
  const auto answer = call(roots_, project_, request_for(Op::forget, container_id));
  if (answer) return {};
  if (!nobody_there(answer.error())) return fail(Error(answer.error().code(), answer.error().message()));
  return remove_file(run_state_path(roots_.project_run(project_), container_id));
}

Result<> Client::shutdown() const {
  return end_by(Op::shutdown);
}
Result<> Client::end() const {
  return end_by(Op::end);
}

Result<> Client::reload_clock() const {
  const auto answer = call(roots_, project_, request_for(Op::clock, ""));
  if (answer) return {};
  if (!nobody_there(answer.error())) return fail(Error(answer.error().code(), answer.error().message()));
  return has_clock(roots_, project_) ? ensure() : Result<>();
}

Result<> Client::fire_job(const std::string& job, const std::string& run, bool reschedule) const {
  TRY(ensure());
  Request request = request_for(Op::fire, run);
  request.job = job;
  request.reschedule = reschedule;
  TRY(call(roots_, project_, request));
  return {};
}

Result<> Client::end_by(Op op) const {
  const std::string run_folder = roots_.project_run(project_);
  const auto deadline = std::chrono::steady_clock::now() + longest_end;
  while (true) {
    auto asked = ask(roots_, project_, request_for(op, ""));
    if (asked) {
      if (!asked->answer.reply.ok) return fail(failure_in(asked->answer.reply));
      asked->socket.reset();
      for (const Fd& process : asked->answer.fds)
        if (!TRY(wait_readable(process.get(), std::chrono::steady_clock::now() + longest_end)))
          return fail(still_there(project_));
      return {};
    }
    if (!nobody_there(asked.error()) && asked.error().code() != Code::lost) return fail(std::move(asked.error()));
    // It may have said good-bye a moment ago, and its keeper be about to.
    while (keeper_lives(run_folder) && !connect_to(roots_, project_)) {
      if (std::chrono::steady_clock::now() > deadline) return fail(still_there(project_));
      ::poll(nullptr, 0, 1);
    }
    if (!keeper_lives(run_folder)) break;
    // Another command has started the project again meanwhile: that pair is asked.
    if (std::chrono::steady_clock::now() > deadline) return fail(still_there(project_));
  }
  // One that was killed has left its socket's name.
  if (const auto claim = claim_abandoned(roots_, project_)) return remove_file(control_socket_path(run_folder));
  return {};
}

Result<Exec> Client::exec(const std::string& container_id, const ExecOptions& options, int* exit_code) const {
  Request request = request_for(Op::exec, container_id);
  request.process = options.process;
  request.tty = options.tty;
  request.detach = options.detach;
  request.streams = options.streams;
  auto asked = ask(roots_, project_, request);
  if (!asked && nobody_there(asked.error()))
    return fail(Error(Code::conflict, "container " + container_id + " is not running"));
  Conversation talk = TRY(std::move(asked));
  Answer answer = std::move(talk.answer);
  if (!answer.reply.ok) return fail(failure_in(answer.reply, exit_code));
  const std::size_t expected = options.tty ? 2 : options.streams ? 4 : 1;
  if (answer.fds.size() != expected)
    return fail(Error(Code::internal, "read the supervisor's answer")
                    .why("it is of another version of this program")
                    .hint("restart the project's containers"));
  Exec::Parts parts;
  parts.roots = roots_;
  parts.project = project_;
  parts.container_id = container_id;
  parts.exec = answer.reply.exec;
  parts.pid = answer.reply.pid;
  parts.socket = std::move(talk.socket);
  parts.process = std::move(answer.fds[0]);
  if (options.tty) {
    parts.terminal = std::move(answer.fds[1]);
  } else if (options.streams) {
    parts.streams = {std::move(answer.fds[1]), std::move(answer.fds[2]), std::move(answer.fds[3])};
  }
  return Exec(std::move(parts));
}

Result<> Exec::resize(TerminalSize size) {
  return send_message(parts_.socket.get(), resize_to_json(size));
}

Result<> Exec::kill(int signal) {
  auto sent = send_signal(parts_.process.get(), signal);
  if (sent || sent.error().sys_errno() == ESRCH) return {};
  return fail(std::move(sent.error()).wrap("kill", "process " + std::to_string(parts_.pid)));
}

Result<int> Exec::wait() {
  auto answer = receive_answer(parts_.socket.get());
  if (!answer) {
    // The supervisor was replaced; its successor knows the process by its number.
    if (answer.error().code() != Code::lost) return fail(std::move(answer.error()));
    Request request = request_for(Op::exec_wait, parts_.container_id);
    request.exec = parts_.exec;
    auto asked = TRY(ask(parts_.roots, parts_.project, request));
    answer = std::move(asked.answer);
  }
  if (!answer->reply.ok) return fail(failure_in(answer->reply));
  const std::optional<int>& code = answer->reply.exit_code;
  if (!code) return fail(Code::internal, "read the supervisor's answer");
  return *code;
}

}  // namespace consort::supervisor

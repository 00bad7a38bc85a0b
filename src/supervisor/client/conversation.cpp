#include "supervisor/client/conversation.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include "base/os/processes/process_stat.hpp"
#include "base/os/sockets/unix_socket.hpp"
#include "supervisor/client.hpp"
#include "supervisor/loop/keeper_lock.hpp"
#include "supervisor/standing.hpp"

namespace consort::supervisor {
namespace {

// A keeper starts a successor within a second; that takes its time when it has much to take over.
constexpr std::chrono::seconds longest_wait_for_successor{30};

Error supervisor_gone() {
  return Error(Code::lost, "talk to the project's supervisor")
      .why("it exited before it answered")
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

// Somebody has stopped it (SIGSTOP).
bool stands(const Result<StatFields>& process) {
  return process && process->state() == 'T';
}

Error is_stopped(const char* who, const std::string& pid) {
  return Error(Code::busy, "talk to the project's supervisor")
      .why(who + pid + " is stopped")
      .hint("`kill -CONT " + pid + "` resumes it");
}

// Whether one of the two who must act before an answer comes is stopped: the supervisor, or its parent, who tells it
// how containers end.
std::optional<Error> stopped_at_other_end(int socket) {
  ucred other{};
  socklen_t size = sizeof other;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &other, &size) != 0) return std::nullopt;
  const auto supervisor = stat_fields_of(other.pid);
  if (stands(supervisor)) return is_stopped("its process ", supervisor->pid);
  if (!supervisor) return std::nullopt;
  const auto keeper = stat_fields_of(supervisor->parent());
  // Without a keeper its parent is whoever inherits orphans.
  if (stands(keeper) && keeper->name == "consort-keeper") return is_stopped("its keeper ", keeper->pid);
  return std::nullopt;
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

Result<Conversation> ask_on_connection(const Roots& roots, const std::string& project, const Request& request,
                                       const Asking& asking) {
  Fd socket = TRY(connect_to(roots, project));
  if (auto sent = send_message(socket.get(), request_to_json(request), asking.descriptors); !sent) {
    if (sent.error().sys_errno() == EPIPE || sent.error().sys_errno() == ECONNRESET) return fail(supervisor_gone());
    return fail(std::move(sent.error()));
  }
  TRY(await_answer(socket.get(), asking.cancel_fd, asking.patience));
  Answer answer = TRY(receive_answer(socket.get()));
  return Conversation{std::move(socket), std::move(answer)};
}

}  // namespace

std::chrono::steady_clock::time_point patience_ends() {
  return std::chrono::steady_clock::now() + longest_wait_for_successor;
}

Result<> await_answer(int socket, int cancel_fd, Patience* given) {
  Patience own;
  Patience& patience = given ? *given : own;
  const std::chrono::milliseconds between_looks = patience.between_looks();
  const int most_looks = patience.most_looks();
  std::array<pollfd, 2> fds{pollfd{socket, POLLIN, 0}, pollfd{cancel_fd, POLLIN, 0}};
  auto look_at = std::chrono::steady_clock::now() + between_looks;
  for (int stopped = 0;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(look_at - std::chrono::steady_clock::now());
    const int got = ::poll(fds.data(), fds.size(), static_cast<int>(std::max(left, left.zero()).count()));
    if (got < 0 && errno != EINTR) return fail_errno("wait for the supervisor's answer");
    if (got < 0) continue;  // however often the user sends signals
    if (got > 0) break;
    look_at = std::chrono::steady_clock::now() + between_looks;
    auto reason = stopped_at_other_end(socket);
    stopped = reason ? stopped + 1 : 0;
    if (!reason) patience.renew();
    if (!reason || stopped < most_looks) continue;
    patience.spend();
    return fail(std::move(*reason));
  }
  if (fds[0].revents != 0) return {};
  return fail(Code::interrupted, "interrupted");
}

std::optional<Error> who_is_stopped(const Roots& roots, const std::string& project) {
  const auto socket = connect_to(roots, project);
  if (socket) return stopped_at_other_end(socket->get());
  return socket.error().code() == Code::busy ? std::optional(socket.error()) : std::nullopt;
}

bool nobody_there(const Error& error) {
  const int number = error.sys_errno();
  return number == ENOENT || number == ECONNREFUSED || number == ENOTDIR;
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
  const std::string run_directory = roots.project_run(project);
  auto socket = connect_unix(control_socket_path(run_directory));
  if (socket) return socket;
  if (nobody_there(socket.error())) return fail(not_running(project, socket.error()));
  if (socket.error().sys_errno() != EAGAIN) return socket;
  const auto lock = open_file(serving_lock_path(run_directory), O_RDONLY);
  return fail(is_stopped("its process ", std::to_string(lock ? who_serves(lock->get()) : 0)));
}

Result<Conversation> ask(const Roots& roots, const std::string& project, const Request& request, const Asking& asking,
                         std::chrono::steady_clock::time_point deadline) {
  const std::string run_directory = roots.project_run(project);
  for (int i = 0;; ++i) {
    auto asked = ask_on_connection(roots, project, request, asking);
    if (asked || is_cancelled(asking.cancel_fd) || std::chrono::steady_clock::now() > deadline) return asked;
    const bool nobody = nobody_there(asked.error());
    if (nobody && may_revive(request.op) && TRY(revive_supervisor(roots, project, asking.cancel_fd))) continue;
    const bool repeatable = request.op != Op::exec && request.op != Op::kill && request.op != Op::attach;
    const bool cut_off = asked.error().code() == Code::lost && !nobody && repeatable;
    // A supervisor that ends takes its socket's name away; one that was killed leaves it.
    const bool refused = asked.error().sys_errno() == ECONNREFUSED || (i > 0 && nobody);
    if (!cut_off && !refused) return asked;
    if (keeper_lives(run_directory)) {
      ::poll(nullptr, 0, 20);
    } else if (!cut_off) {
      return asked;
    }  // else it ended in order, with us at the door: the next try finds nobody, or somebody new
  }
}

Error failure_in(const Reply& reply, int* exit_code) {
  const std::optional<Failure>& failure = reply.failure;
  if (!failure) return Error(Code::internal, "read the supervisor's answer");
  const std::optional<int>& code = failure->exit_code;
  if (exit_code != nullptr && code) *exit_code = *code;
  return error_of(*failure);
}

Result<Answer> call(const Roots& roots, const std::string& project, const Request& request, int* exit_code,
                    const Asking& asking, std::chrono::steady_clock::time_point deadline) {
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

Result<Answer> call_on_running(const Roots& roots, const std::string& project, const Request& request,
                               const Asking& asking) {
  auto answer = call(roots, project, request, nullptr, asking);
  if (!answer && nobody_there(answer.error()))
    return fail(Error(Code::conflict, "container " + request.id + " is not running"));
  return answer;
}

Result<std::vector<ObservedContainer>> receive_states(int socket, Reply first, Patience* patience) {
  std::vector<ObservedContainer> states = std::move(first.states);
  for (bool more = first.more; more;) {
    TRY(await_answer(socket, -1, patience));
    Answer answer = TRY(receive_answer(socket));
    if (!answer.reply.ok) return fail(failure_in(answer.reply));
    for (ObservedContainer& state : answer.reply.states) states.push_back(std::move(state));
    more = answer.reply.more;
  }
  return states;
}

}  // namespace consort::supervisor

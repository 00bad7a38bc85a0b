#include "supervisor/client.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/os/sockets/unix_socket.hpp"
#include "supervisor/client/conversation.hpp"

namespace consort::supervisor {
namespace {

Result<ObservedContainer> state_from(const Answer& answer) {
  const std::optional<ObservedContainer>& state = answer.reply.state;
  if (!state) return fail(Code::internal, "read the supervisor's answer");
  return *state;
}

}  // namespace

Asking Client::asking(int cancel_fd) const {
  return {.cancel_fd = cancel_fd, .patience = patience_.get()};
}

Result<bool> Client::running() const {
  const auto socket = connect_to(roots_, project_);
  if (socket) return true;
  if (nobody_there(socket.error())) return false;
  return fail(socket.error());
}

Result<std::vector<ObservedContainer>> Client::snapshot() const {
  Conversation asked = TRY(ask(roots_, project_, request_for(Op::snapshot, ""), asking()));
  if (!asked.answer.reply.ok) return fail(failure_in(asked.answer.reply));
  return receive_states(asked.socket.get(), std::move(asked.answer.reply), patience_.get());
}

Result<Subscription> Client::subscribe() const {
  Conversation asked = TRY(ask(roots_, project_, request_for(Op::subscribe, ""), asking()));
  if (!asked.answer.reply.ok) return fail(failure_in(asked.answer.reply));
  auto states = TRY(receive_states(asked.socket.get(), std::move(asked.answer.reply), patience_.get()));
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
  const Asking start{cancel_fd, descriptors_of(made), patience_.get()};
  constexpr int most_tries = 20;          // it may end between our look and our question, with others at work
  const auto deadline = patience_ends();  // of all tries together
  for (int i = 0;; ++i) {
    auto answer = call(roots_, project_, request, exit_code, start, deadline);
    if (answer) return state_from(*answer);
    const bool nobody = nobody_there(answer.error());
    if (is_cancelled(cancel_fd))
      return nobody ? fail(Code::interrupted, "interrupted") : fail(std::move(answer.error()));
    const bool ending = !nobody && answer.error().code() == Code::lost;
    const bool over = i == most_tries || std::chrono::steady_clock::now() > deadline;
    if (over || !(ending || nobody)) return fail(std::move(answer.error()));
    if (ending) TRY(end());
    TRY(ensure(cancel_fd));
  }
}

Result<ObservedContainer> Client::stop(const std::string& container_id, const StopOptions& options) const {
  Request request = request_for(Op::stop, container_id);
  request.timeout = options.timeout;
  request.signal = options.signal;
  auto answer = call(roots_, project_, request, nullptr, asking(options.cancel_fd));
  if (answer) return state_from(*answer);
  const bool unknown = answer.error().code() == Code::not_found || nobody_there(answer.error());
  if (!unknown) return fail(std::move(answer.error()));
  const std::array<std::string, 1> ids{container_id};
  auto states = TRY(observe(roots_, project_, ids, patience_));
  const auto found = states.find(container_id);
  if (found == states.end()) return fail(std::move(answer.error()));
  if (found->second.has_process()) return fail(std::move(answer.error()));
  return std::move(found->second);
}

Result<ObservedContainer> Client::restart(const std::string& container_id, const StopOptions& options) const {
  Request request = request_for(Op::restart, container_id);
  request.timeout = options.timeout;
  request.signal = options.signal;
  return state_from(TRY(call_on_running(roots_, project_, request, asking())));
}

Result<> Client::kill(const std::string& container_id, int signal) const {
  Request request = request_for(Op::kill, container_id);
  request.signal = signal;
  TRY(call_on_running(roots_, project_, request, asking()));
  return {};
}

Result<> Client::pause(const std::string& container_id) const {
  TRY(call_on_running(roots_, project_, request_for(Op::pause, container_id), asking()));
  return {};
}

Result<> Client::unpause(const std::string& container_id) const {
  TRY(call_on_running(roots_, project_, request_for(Op::unpause, container_id), asking()));
  return {};
}

Result<ObservedContainer> Client::reconnect(const std::string& container_id) const {
  auto answer = call_on_running(roots_, project_, request_for(Op::reconnect, container_id), asking());
  if (answer) return state_from(*answer);
  if (answer.error().code() != Code::invalid) return fail(std::move(answer.error()));
  return fail(std::move(answer.error())
                  .hint("the supervisor may belong to an older version of Consort: stop the project's containers, and "
                        "start them again"));
}

Result<> Client::resize(const std::string& container_id, TerminalSize size) const {
  Request request = request_for(Op::resize, container_id);
  request.rows = size.rows;
  request.columns = size.columns;
  TRY(call_on_running(roots_, project_, request, asking()));
  return {};
}

Result<Attachment> Client::attach(const std::string& container_id) const {
  Answer answer = TRY(call_on_running(roots_, project_, request_for(Op::attach, container_id), asking()));
  if (answer.fds.empty()) return fail(Code::internal, "read the supervisor's answer");
  Attachment attachment;
  (answer.reply.tty ? attachment.terminal : attachment.input) = std::move(answer.fds.front());
  return attachment;
}

Result<ObservedContainer> Client::wait(const std::string& container_id, WaitUntil until) const {
  Request request = request_for(Op::wait, container_id);
  request.until = until;
  auto answer = call(roots_, project_, request, nullptr, asking());
  if (answer) return state_from(*answer);
  // Its supervisor has ended, so the container is no longer running.
  if (!nobody_there(answer.error())) return fail(std::move(answer.error()));
  const std::array<std::string, 1> ids{container_id};
  auto states = TRY(observe(roots_, project_, ids, patience_));
  const auto found = states.find(container_id);
  if (found == states.end()) return fail(std::move(answer.error()));
  return std::move(found->second);
}

Result<> Client::forget(const std::string& container_id) const {
  const auto answer = call(roots_, project_, request_for(Op::forget, container_id), nullptr, asking());
  if (answer) return {};
  if (!nobody_there(answer.error())) return fail(answer.error());
  return remove_file(run_state_path(roots_.project_run(project_), container_id));
}

}  // namespace consort::supervisor

// Programs that are started in a running container.
#include <cerrno>
#include <utility>

#include "base/os/processes/process.hpp"
#include "base/os/sockets/unix_socket.hpp"
#include "supervisor/client.hpp"
#include "supervisor/client/conversation.hpp"

namespace consort::supervisor {

Result<Exec> Client::exec(const std::string& container_id, const ExecOptions& options, int* exit_code) const {
  Request request = request_for(Op::exec, container_id);
  request.process = options.process;
  request.tty = options.tty;
  request.detach = options.detach;
  request.streams = options.streams;
  auto asked = ask(roots_, project_, request, asking());
  if (!asked && nobody_there(asked.error()))
    return fail(Error(Code::conflict, "container " + container_id + " is not running"));
  Conversation talk = TRY(std::move(asked));
  Answer answer = std::move(talk.answer);
  if (!answer.reply.ok) return fail(failure_in(answer.reply, exit_code));
  const std::size_t expected = options.tty ? 2 : options.streams ? 4 : 1;
  if (answer.fds.size() != expected)
    return fail(Error(Code::internal, "read the supervisor's answer")
                    .why("it belongs to another version of Consort")
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
  TRY(await_answer(parts_.socket.get(), -1, nullptr));
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

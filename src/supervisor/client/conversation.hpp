// A request to a project's supervisor and its answer over the control socket, including what happens if the supervisor
// is replaced meanwhile. Only for use inside supervisor/client/.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "base/roots.hpp"
#include "supervisor/protocol.hpp"

namespace consort::supervisor {

struct Answer {
  Reply reply;
  std::vector<Fd> fds;
};

// An answer with its connection, on which more may arrive.
struct Conversation {
  Fd socket;
  Answer answer;
};

// What accompanies a request, in addition to its text.
struct Asking {
  int cancel_fd = -1;              // borrowed; readable: the caller stops waiting for the answer
  std::vector<int> descriptors{};  // borrowed
};

// Until when a request is retried without a supervisor, if it is first sent now.
std::chrono::steady_clock::time_point patience_ends();

// The answer, even if it is not `ok`. The supervisor can be replaced at any moment, so a request that is safe to repeat
// is repeated while there is a keeper that starts a successor. Without a keeper, we start both if there is something
// for the supervisor to do.
Result<Conversation> ask(const Roots& roots, const std::string& project, const Request& request,
                         const Asking& asking = {}, std::chrono::steady_clock::time_point deadline = patience_ends());
// The same, but an answer that is not `ok` is an error. exit_code: as in failure_in().
Result<Answer> call(const Roots& roots, const std::string& project, const Request& request, int* exit_code = nullptr,
                    const Asking& asking = {}, std::chrono::steady_clock::time_point deadline = patience_ends());
// Code::conflict without a supervisor: the container is not running, or a supervisor would have been started for it.
Result<Answer> call_on_running(const Roots& roots, const std::string& project, const Request& request);

Request request_for(Op op, const std::string& container_id);

// Waits for a message on the connection, without a time limit. Code::busy: the supervisor or its keeper has been
// stopped with SIGSTOP, so none will arrive. Code::interrupted: the caller has stopped waiting.
Result<> await_answer(int socket, int cancel_fd);
// The next message. Code::lost: the supervisor has ended.
Result<Answer> receive_answer(int socket);
// Collects all states, of which the first message has arrived and more may follow.
Result<std::vector<ObservedContainer>> receive_states(int socket, Reply first);
// The error of an answer that is not `ok`. exit_code, if not null: of a program that could not be started.
Error failure_in(const Reply& reply, int* exit_code = nullptr);

// Code::lost: no supervisor is listening, and nobody_there() is true for the error. Code::busy: it is stopped with
// SIGSTOP.
Result<Fd> connect_to(const Roots& roots, const std::string& project);
bool nobody_there(const Error& error);
bool is_cancelled(int cancel_fd);

}  // namespace consort::supervisor

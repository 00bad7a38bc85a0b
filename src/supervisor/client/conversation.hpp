// A request to a project's supervisor and its answer over the control socket, including what happens if the supervisor
// is replaced meanwhile. Only for use inside supervisor/client/.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "base/roots.hpp"
#include "supervisor/patience.hpp"
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
  Patience* patience = nullptr;    // borrowed; without, that of one question
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
// A container without a supervisor does not run, or one would have been started again for it: Code::conflict.
Result<Answer> call_on_running(const Roots& roots, const std::string& project, const Request& request,
                               const Asking& asking);

Request request_for(Op op, const std::string& container_id);

// Until a message of a conversation is there, however long that takes. Code::busy: somebody has stopped the supervisor
// or its keeper (SIGSTOP), so that none will come. Code::interrupted: the caller does not want to wait any more.
Result<> await_answer(int socket, int cancel_fd, Patience* patience);
// The next message of a conversation. Code::lost: its supervisor has ended.
Result<Answer> receive_answer(int socket);
// All states of which the first message is here, and more may come.
Result<std::vector<ObservedContainer>> receive_states(int socket, Reply first, Patience* patience);
// Of an answer that is not `ok`. exit_code: of a program that could not be started, if one is asked for.
Error failure_in(const Reply& reply, int* exit_code = nullptr);

// Code::lost: no supervisor is listening, and nobody_there() is true for the error. Code::busy: it is stopped with
// SIGSTOP.
Result<Fd> connect_to(const Roots& roots, const std::string& project);
bool nobody_there(const Error& error);
bool is_cancelled(int cancel_fd);

}  // namespace consort::supervisor

// Ending a keeper and supervisor, and what keeps them alive without a container: the project's jobs.
#include <poll.h>

#include <cerrno>
#include <utility>

#include "base/narrow.hpp"
#include "base/os/files/file.hpp"
#include "supervisor/client.hpp"
#include "supervisor/client/conversation.hpp"
#include "supervisor/jobs.hpp"
#include "supervisor/loop/keeper_lock.hpp"

namespace consort::supervisor {
namespace {

constexpr std::chrono::seconds longest_end{5};

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

}  // namespace

Result<> Client::shutdown() const {
  return end_by(Op::shutdown);
}
Result<> Client::end() const {
  return end_by(Op::end);
}

Result<> Client::reload_clock() const {
  const auto answer = call(roots_, project_, request_for(Op::clock, ""), nullptr, asking());
  if (answer) return {};
  if (!nobody_there(answer.error())) return fail(answer.error());
  return has_clock(roots_, project_) ? ensure() : Result<>();
}

Result<> Client::fire_job(const std::string& job, const std::string& run, bool reschedule) const {
  TRY(ensure());
  Request request = request_for(Op::fire, run);
  request.job = job;
  request.reschedule = reschedule;
  TRY(call(roots_, project_, request, nullptr, asking()));
  return {};
}

Result<> Client::end_by(Op op) const {
  const std::string run_directory = roots_.project_run(project_);
  const auto deadline = std::chrono::steady_clock::now() + longest_end;
  while (true) {
    auto asked = ask(roots_, project_, request_for(op, ""), asking());
    if (asked) {
      if (!asked->answer.reply.ok) return fail(failure_in(asked->answer.reply));
      asked->socket.reset();
      for (const Fd& process : asked->answer.fds)
        if (!TRY(wait_readable(process.get(), std::chrono::steady_clock::now() + longest_end)))
          return fail(still_there(project_));
      return {};
    }
    if (!nobody_there(asked.error()) && asked.error().code() != Code::lost) return fail(std::move(asked.error()));
    // The supervisor may have ended a moment ago, and its keeper be about to.
    while (keeper_lives(run_directory) && !connect_to(roots_, project_)) {
      if (std::chrono::steady_clock::now() > deadline) return fail(still_there(project_));
      ::poll(nullptr, 0, 1);
    }
    if (!keeper_lives(run_directory)) break;
    // Another command has started the project again in the meantime: ask its supervisor.
    if (std::chrono::steady_clock::now() > deadline) return fail(still_there(project_));
  }
  // A supervisor that was killed leaves its socket behind.
  if (const auto claim = claim_abandoned(roots_, project_)) return remove_file(control_socket_path(run_directory));
  return {};
}

}  // namespace consort::supervisor

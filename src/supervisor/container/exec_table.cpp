#include "supervisor/container/exec_table.hpp"

#include <signal.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "base/os/processes/process.hpp"

namespace consort::supervisor {
namespace {

// Numbers from two supervisors of one container must not collide, so each starts with its own pid.
ExecTable::Id first_id() {
  return (static_cast<ExecTable::Id>(::getpid()) << 20) + 1;
}

}  // namespace

ExecTable::~ExecTable() {
  for (const auto& [id, job] : jobs_) loop_.remove(job->watch);
}

Result<ExecTable::Id> ExecTable::begin(const std::string& container_id, const runtime::Process& process,
                                       const runtime::ExecOptions& options, OnStarted on_started, OnEnded on_ended) {
  auto job = std::make_unique<Job>();
  job->launch = std::make_unique<runtime::Launch>(TRY(runtime::begin_exec(process, options)));
  if (next_ == 1) next_ = first_id();
  const Id id = next_++;
  job->id = id;
  job->container_id = container_id;
  job->pid = job->launch->pid();
  job->on_started = std::move(on_started);
  job->on_ended = std::move(on_ended);
  job->watch = TRY(loop_.add(job->launch->sync_fd(), EPOLLIN, [this, id](std::uint32_t) { on_sync(id); }));
  jobs_[id] = std::move(job);
  return id;
}

void ExecTable::on_sync(Id id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end() || !found->second->launch) return;
  Job& job = *found->second;
  while (true) {
    auto state = job.launch->advance();
    if (!state) return failed(id, std::move(state.error()));
    if (*state == runtime::Launch::State::started) return started(job);
    // `ready` is also reported between our go-ahead and the child's execve.
    if (*state == runtime::Launch::State::pending || std::exchange(job.released, true)) return;
    if (auto go = job.launch->start(); !go) return failed(id, std::move(go.error()));
  }
}

void ExecTable::started(Job& job) {
  loop_.remove(std::exchange(job.watch, 0));
  job.pid = job.launch->pid();
  job.pidfd = job.launch->take_pidfd();
  ExecStarted result{job.pid, job.pidfd.get(), job.launch->take_console()};
  job.launch.reset();
  if (job.on_started) std::exchange(job.on_started, {})(std::move(result));
}

void ExecTable::failed(Id id, Error error) {
  auto node = jobs_.extract(id);
  Job& job = *node.mapped();
  loop_.remove(job.watch);
  job.launch.reset();
  if (job.on_started) job.on_started(fail(std::move(error)));
}

void ExecTable::ended(Id id, std::optional<int> wait_status) {
  auto node = jobs_.extract(id);
  if (node.empty()) return;
  Job& job = *node.mapped();
  loop_.remove(job.watch);
  if (job.on_adopted_end) job.on_adopted_end(wait_status);
  if (job.on_ended)
    job.on_ended(wait_status);
  else
    adopted_ends_[id] = wait_status;
}

bool ExecTable::on_exit(pid_t pid, int wait_status) {
  // A process is replaced by another one during its launch, and the report of that arrives before the new one can end.
  std::vector<Id> launching;
  for (const auto& [id, job] : jobs_)
    if (job->launch) launching.push_back(id);
  for (const Id id : launching) on_sync(id);
  for (const auto& [id, job] : jobs_) {
    if ((job->launch ? job->launch->pid() : job->pid) != pid) continue;
    const Id ended_id = id;
    if (job->launch) on_sync(ended_id);  // its last report shows whether it reached execve
    const auto found = jobs_.find(ended_id);
    if (found == jobs_.end()) return true;
    if (found->second->launch) {
      failed(ended_id, Error(Code::io, "start process").why("it ended before it ran"));
    } else {
      ended(ended_id, wait_status);
    }
    return true;
  }
  return false;
}

void ExecTable::on_container_gone(const std::string& container_id) {
  std::vector<Id> ids;
  for (const auto& [id, job] : jobs_)
    if (job->container_id == container_id) ids.push_back(id);
  for (const Id id : ids) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) continue;
    if (found->second->launch)
      failed(id, Error(Code::not_found, "start process").why("the container has ended"));
    else
      ended(id, SIGKILL);  // the kernel kills a whole pid namespace when its first process ends
  }
}

void ExecTable::signal(Id id, int number) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  if (found->second->pidfd)
    (void)send_signal(found->second->pidfd.get(), number);
  else if (found->second->launch)
    (void)send_signal(found->second->launch->pidfd(), number);
}

void ExecTable::kill(Id id) {
  signal(id, SIGKILL);
}

void ExecTable::end(Id id) {
  signal(id, SIGTERM);
}

void ExecTable::adopt(const std::string& container_id, Id id, pid_t pid, std::uint64_t pid_started, OnEnded on_ended) {
  auto job = std::make_unique<Job>();
  job->id = id;
  job->container_id = container_id;
  job->pid = pid;
  job->on_adopted_end = std::move(on_ended);
  if (auto pidfd = open_pidfd(pid)) job->pidfd = std::move(*pidfd);
  // If our keeper has reaped it, the keeper's report arrives first.
  job->foreign_end = std::make_unique<ForeignEnd>(loop_, ForeignEnd::Process{pid, pid_started, job->pidfd.get()},
                                                  [this, id](std::optional<int> status) { ended(id, status); });
  jobs_[id] = std::move(job);
}

Result<> ExecTable::wait_adopted(Id id, OnEnded on_ended) {
  if (const auto ended = adopted_ends_.find(id); ended != adopted_ends_.end()) {
    on_ended(ended->second);
    return {};
  }
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return fail(Code::not_found, "wait for process", std::to_string(id));
  found->second->on_ended = std::move(on_ended);
  return {};
}

}  // namespace consort::supervisor

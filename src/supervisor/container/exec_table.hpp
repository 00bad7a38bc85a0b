// Processes started in running containers for `exec` and health checks. Like the containers, they are children of the
// keeper, which reports their exits.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/os/loop/event_loop.hpp"
#include "runtime/exec.hpp"
#include "runtime/spec.hpp"
#include "supervisor/container/foreign_end.hpp"

namespace consort::supervisor {

struct ExecStarted {
  pid_t pid = 0;
  int pidfd = -1;  // borrowed, valid during the call
  Fd console;      // the pty's master, if the process has a terminal
};

class ExecTable {
 public:
  using Id = std::uint64_t;
  using OnStarted = std::move_only_function<void(Result<ExecStarted>)>;
  using OnEnded = std::move_only_function<void(std::optional<int> wait_status)>;  // not called after a failed start

  explicit ExecTable(EventLoop& loop) : loop_(loop) {}
  ~ExecTable();
  ExecTable(const ExecTable&) = delete;
  ExecTable& operator=(const ExecTable&) = delete;

  // Both are called from the loop, never from within begin(). If begin() fails, neither is called.
  Result<Id> begin(const std::string& container_id, const runtime::Process& process,
                   const runtime::ExecOptions& options, OnStarted on_started, OnEnded on_ended);
  void kill(Id id);
  // For a process with an attendant: ends it and everything that it has started.
  void end(Id id);
  // The keeper has reaped this pid. False: it is not one of ours.
  bool on_exit(pid_t pid, int wait_status);
  // Its namespace is gone, so processes without a reported end have ended with it.
  void on_container_gone(const std::string& container_id);

  // Processes of a predecessor, whose exit status may still be requested.
  void adopt(const std::string& container_id, Id id, pid_t pid, std::uint64_t pid_started, OnEnded on_ended);
  // For an adopted process: on_ended is called when it ends, or at once if it already has. Code::not_found: unknown
  // process.
  Result<> wait_adopted(Id id, OnEnded on_ended);

  std::size_t running() const { return jobs_.size(); }

 private:
  struct Job {
    Id id = 0;
    std::string container_id;
    pid_t pid = 0;
    Fd pidfd;
    std::unique_ptr<runtime::Launch> launch;  // until execve
    EventLoop::Token watch = 0;
    std::unique_ptr<ForeignEnd> foreign_end;  // for an adopted process
    bool released = false;                    // was told to continue
    OnStarted on_started;
    OnEnded on_ended;        // of an adopted one: for a request that waits
    OnEnded on_adopted_end;  // for its container, in any case
  };
  void on_sync(Id id);
  void started(Job& job);
  void failed(Id id, Error error);
  void signal(Id id, int number);
  void ended(Id id, std::optional<int> wait_status);

  EventLoop& loop_;
  Id next_ = 1;
  std::map<Id, std::unique_ptr<Job>> jobs_;
  std::map<Id, std::optional<int>> adopted_ends_;  // wait status of adopted ones that have ended
};

}  // namespace consort::supervisor

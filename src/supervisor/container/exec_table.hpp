// Processes started in running containers: for `exec` and for health checks. They are children of the keeper, like the
// containers themselves, so their exits come from there.
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
  Fd console;      // pty's master, if the process has a terminal
};

class ExecTable {
 public:
  using Id = std::uint64_t;
  using OnStarted = std::move_only_function<void(Result<ExecStarted>)>;
  using OnEnded = std::move_only_function<void(std::optional<int> wait_status)>;  // not after a failed start

  explicit ExecTable(EventLoop& loop) : loop_(loop) {}
  ~ExecTable();
  ExecTable(const ExecTable&) = delete;
  ExecTable& operator=(const ExecTable&) = delete;

  // Both are called from the loop, never from within begin(). An error of begin() means that neither will be.
  Result<Id> begin(const std::string& container_id, const runtime::Process& process,
                   const runtime::ExecOptions& options, OnStarted on_started, OnEnded on_ended);
  void kill(Id id);
  // Of one with an attendant: with all that it has started.
  void end(Id id);
  // The keeper has reaped this pid. False: it is none of ours.
  bool on_exit(pid_t pid, int wait_status);
  // Its namespace is gone: whatever was not reported yet ended with it.
  void on_container_gone(const std::string& container_id);

  // Processes of a predecessor, whose ends may still be asked for.
  void adopt(const std::string& container_id, Id id, pid_t pid, std::uint64_t pid_started, OnEnded on_ended);
  // Of an adopted one: on_ended is told at its end, or at once if that was before. Code::not_found: never heard of it.
  Result<> wait_adopted(Id id, OnEnded on_ended);

  std::size_t running() const { return jobs_.size(); }

 private:
  struct Job {
    Id id = 0;
    std::string container_id;
    pid_t pid = 0;
    Fd pidfd;
    std::unique_ptr<runtime::Launch> launch;  // until it has passed execve
    EventLoop::Token watch = 0;
    std::unique_ptr<ForeignEnd> foreign_end;  // of an adopted one
    bool released = false;                    // it has our go
    OnStarted on_started;
    OnEnded on_ended;        // of an adopted one: for who asks for its end
    OnEnded on_adopted_end;  // for its container, whoever asks
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

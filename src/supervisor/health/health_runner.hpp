// Runs the health checks of one container: provides clock, processes and output for HealthMachine.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/os/loop/event_loop.hpp"
#include "supervisor/container/exec_table.hpp"
#include "supervisor/health/health.hpp"

namespace consort::supervisor {

class HealthRunner {
 public:
  struct Hooks {
    std::function<Listening()> listening;
    // Starts argv in the container with this pipe end as stdout and stderr.
    std::function<Result<ExecTable::Id>(const std::vector<std::string>& argv, int output, ExecTable::OnStarted,
                                        ExecTable::OnEnded)>
        start;
    std::function<void(ExecTable::Id)> kill;
    std::function<void(HealthChange)> on_result;  // state() has changed
  };
  HealthRunner(EventLoop& loop, HealthUnit unit, HealthState state, HealthMachine::Time started, Hooks hooks);
  ~HealthRunner();
  HealthRunner(const HealthRunner&) = delete;
  HealthRunner& operator=(const HealthRunner&) = delete;

  const HealthState& state() const { return machine_.state(); }
  void suspend();
  void resume();
  HealthChange stop();

 private:
  void plan();
  Listening listening() const;
  void act(HealthAction action);
  void run_check(HealthAction action);
  void read_output();
  void finish(int exit_code, std::string output);
  void on_timeout();
  void on_end(std::optional<int> wait_status);
  void drop_check();

  EventLoop& loop_;
  HealthMachine machine_;
  Hooks hooks_;
  EventLoop::Token timer_ = 0;

  // A check is running.
  bool checking_ = false;
  std::uint64_t check_ = 0;  // counts checks, to recognise late results of an old one
  ExecTable::Id exec_ = 0;
  SystemTime began_{};
  Fd output_;
  std::string text_;
  EventLoop::Token output_watch_ = 0;
  EventLoop::Token timeout_ = 0;
};

}  // namespace consort::supervisor

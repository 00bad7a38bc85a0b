// What `up` shows while it stays: the output of containers, followed in a thread of its own, and what there is to be
// told of them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/os/fd.hpp"
#include "project/exec/log_follower.hpp"
#include "project/verbs/up.hpp"

namespace consort::project {

class Following {
 public:
  // Both are borrowed.
  static Result<std::unique_ptr<Following>> begin(engine::Engine& engine, const std::string& project,
                                                  const AttachOptions& attach);
  ~Following();

  LogFollower& follower() { return *follower_; }

  enum class Event : std::uint8_t { all_ended, abort, interrupt, typed };
  // Both are borrowed, and may be -1: nothing comes from there.
  Event wait(int interrupt_fd, int keys_fd);

  // What follows changes is about to end containers and to start them again, or has done so. Any thread.
  void expect(ReactOptions::Busy busy);

  // The rest of the output, once everything has been stopped.
  Result<> finish();
  int abort_code();  // of the container whose end was Event::abort

 private:
  Following(const AttachOptions& attach, Fd event) : attach_(attach), event_(std::move(event)) {}
  void notify(bool& flag);
  bool on_exit(const engine::ContainerState& state);

  const AttachOptions& attach_;
  Fd event_;
  std::unique_ptr<LogFollower> follower_;
  std::thread thread_;
  Result<> outcome_;
  std::mutex mutex_;
  bool ended_ = false, abort_seen_ = false;
  int abort_code_ = 0;
  std::atomic<bool> changing_ = false;
};

}  // namespace consort::project

// What an attached `up` shows: the output of containers, followed in a thread of its own, and the events that end it.
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
  // Both references are borrowed.
  static Result<std::unique_ptr<Following>> begin(engine::Engine& engine, const std::string& project,
                                                  const AttachOptions& attach);
  ~Following();

  LogFollower& follower() { return *follower_; }

  enum class Event : std::uint8_t { all_ended, abort, interrupt, typed };
  // Both descriptors are borrowed and may be -1: no events from there.
  Event wait(int interrupt_fd, int keys_fd);

  // `watch` is about to stop and start containers, or has done so. From any thread.
  void expect(ReactOptions::Busy busy);

  // Shows the rest of the output, after everything has been stopped.
  Result<> finish();
  int abort_code();  // exit code of the container that caused Event::abort

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

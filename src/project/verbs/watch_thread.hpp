// Watches for changes while something else runs.
#pragma once

#include <memory>
#include <thread>
#include <utility>

#include "project/verbs/watch.hpp"

namespace consort::project {

// Ends with its owner: what it is at work on is given up.
class WatchThread {
 public:
  // The session is copied. As Watching::create(): changes count from here on.
  static Result<WatchThread> prepare(const Session& session, Rebuilds rebuilds, ReactOptions options);
  void begin();  // once the services are started; what goes wrong from here on is said
  WatchThread(WatchThread&&) = default;
  WatchThread& operator=(WatchThread&&) = delete;
  ~WatchThread();

 private:
  struct State {
    Session session;
    ReactOptions options;
    Pipe stop;
    std::unique_ptr<Watching> watching{};
  };
  explicit WatchThread(std::unique_ptr<State> state) : state_(std::move(state)) {}

  std::unique_ptr<State> state_;  // where it lies must not change
  std::thread thread_;
};

}  // namespace consort::project

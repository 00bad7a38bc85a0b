// Watches for changes in a thread of its own.
#pragma once

#include <memory>
#include <thread>
#include <utility>

#include "project/verbs/watch.hpp"

namespace consort::project {

// The destructor ends the thread and abandons the reaction in progress.
class WatchThread {
 public:
  // The session is copied. As with Watching::create(), changes count from here on.
  static Result<WatchThread> prepare(const Session& session, Rebuilds rebuilds, ReactOptions options);
  void begin();  // after the services are started; later problems are only reported
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

  std::unique_ptr<State> state_;  // its address must not change
  std::thread thread_;
};

}  // namespace consort::project

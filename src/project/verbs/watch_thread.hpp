// Following changes beside something else.
#pragma once

#include <memory>
#include <optional>
#include <thread>

#include "project/verbs/watch.hpp"

namespace consort::project {

// Ends with its owner: what it is at work on is given up.
class WatchThread {
 public:
  // The session is copied. Errors as of Watching::create(), but what comes later is said.
  static Result<> start(std::optional<WatchThread>& into, const Session& session, Rebuilds rebuilds,
                        ReactOptions options);
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
  explicit WatchThread(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;  // where it lies must not change
  std::thread thread_;
};

}  // namespace consort::project

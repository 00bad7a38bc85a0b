// A supervisor that gets ready while the containers that it will start are still being made: that takes two programs
// and some milliseconds, and another processor has the time.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "base/os/fd.hpp"
#include "supervisor/client.hpp"

namespace consort::engine {

// At most one project's. Safe to use from several threads.
class Ahead {
 public:
  Ahead() = default;
  Ahead(const Ahead&) = delete;
  Ahead& operator=(const Ahead&) = delete;
  // Nothing was started after all: nothing shall run where nothing is up. Waits for a moment only, as the user may want
  // an end: what is not ready then is left to itself.
  ~Ahead();

  // Returns at once. Who starts a container meets the same supervisor, or the same error, and waits for it there.
  void begin(supervisor::Client client);
  // Somebody is about to start a container.
  void used() { used_ = true; }

 private:
  std::mutex mutex_;
  std::optional<supervisor::Client> client_;
  std::atomic<bool> used_ = false;
  std::atomic<bool> begun_ = false;
  Fd give_up_, done_;
  std::jthread thread_;  // last: it uses what is above
};

}  // namespace consort::engine

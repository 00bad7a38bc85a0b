// Starts a project's supervisor in the background while its containers are still being created: that takes two programs
// and some milliseconds, which another CPU has to spare.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "base/os/fd.hpp"
#include "supervisor/client.hpp"

namespace consort::engine {

// For at most one project. Thread-safe.
class Ahead {
 public:
  Ahead() = default;
  Ahead(const Ahead&) = delete;
  Ahead& operator=(const Ahead&) = delete;
  // If nothing was started after all, ends the supervisor again. Waits only briefly because the user may be waiting for
  // the command to end: a supervisor that is not ready by then ends by itself.
  ~Ahead();

  // Returns immediately. A later start uses the same supervisor and waits for it, or gets the same error.
  void begin(supervisor::Client client);
  // Called when a container is about to be started.
  void used() { used_ = true; }

 private:
  std::mutex mutex_;
  std::optional<supervisor::Client> client_;
  std::atomic<bool> used_ = false;
  std::atomic<bool> begun_ = false;
  Fd give_up_, done_;
  std::jthread thread_;  // last: it uses the members above
};

}  // namespace consort::engine

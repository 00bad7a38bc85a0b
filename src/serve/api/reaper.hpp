// Containers that go by themselves when they end (--rm). Who has made one with `docker run` has gone long before that;
// the server that was there removes them, and what ended without one is removed by the next.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/os/fd.hpp"
#include "base/roots.hpp"
#include "engine/engine.hpp"

namespace consort::serve {

class Reaper {
 public:
  explicit Reaper(Roots roots);
  ~Reaper();
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  // From now on. hold: CreatedContainer::hold, given up when it has gone.
  void watch(const std::string& id, Fd hold);
  // Removes those that have ended already, and watches those that will. How many were removed.
  Result<std::size_t> sweep(engine::Engine& engine);

 private:
  void start();
  void run();
  void look(engine::Engine& engine);

  Roots roots_;
  Fd stop_;
  std::mutex mutex_;
  std::map<std::string, Fd> watched_;
  std::thread thread_;
};

}  // namespace consort::serve

// Removes containers with --rm when they end. `docker run` may have exited long before that, so the server that created
// one holds and removes it. If the server dies first, the supervisor has it removed.
#pragma once

#include <map>
#include <mutex>
#include <set>
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

  // Starts watching. hold: CreatedContainer::hold, released after the removal.
  void watch(const std::string& id, Fd hold);

  // While one exists, the container is kept although it has ended, because it is being restarted. It must be destroyed
  // before the reaper.
  class Kept {
   public:
    Kept(Reaper& reaper, std::string id);
    ~Kept();
    Kept(const Kept&) = delete;
    Kept& operator=(const Kept&) = delete;

   private:
    Reaper& reaper_;
    std::string id_;
  };

 private:
  void start();
  void run();
  void look(engine::Engine& engine);

  Roots roots_;
  Fd stop_, again_;
  std::mutex looking_;  // lock before mutex_
  std::mutex mutex_;
  std::multiset<std::string> kept_;
  std::map<std::string, Fd> watched_;
  std::thread thread_;
};

}  // namespace consort::serve

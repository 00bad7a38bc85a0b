// Containers that go by themselves when they end (--rm). Who has made one with `docker run` has gone long before that;
// the server that was there holds them and removes them. What it has left behind is removed by its supervisor.
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

  // From now on. hold: CreatedContainer::hold, given up when it has gone.
  void watch(const std::string& id, Fd hold);

  // While one lives, the container stays though it has ended: it is restarted. To be gone before the reaper is.
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
  std::mutex looking_;  // taken before mutex_
  std::mutex mutex_;
  std::multiset<std::string> kept_;
  std::map<std::string, Fd> watched_;
  std::thread thread_;
};

}  // namespace consort::serve

// Gives up the last hold on containers' overlays. That makes the kernel write the whole file system below them to the
// disk, database volumes and all, and whoever closes the descriptor waits for it, often for seconds. So a process made
// for it does the waiting, and a container has ended when its program has. The same container must not be mounted again
// before that is over.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/os/event_loop.hpp"
#include "base/os/fd.hpp"

namespace consort::supervisor {

class Unmounter {
 public:
  using Done = std::move_only_function<void()>;

  explicit Unmounter(EventLoop& loop) : loop_(loop) {}
  ~Unmounter();  // those under way end by themselves
  Unmounter(const Unmounter&) = delete;
  Unmounter& operator=(const Unmounter&) = delete;

  void close(const std::string& container_id, Fd root);
  bool busy_with(const std::string& container_id) const { return jobs_.contains(container_id); }
  void when_done(const std::string& container_id, Done done);

 private:
  struct Job {
    pid_t pid = 0;
    Fd pidfd;
    EventLoop::Token watch = 0;
    std::vector<Done> waiters;
  };
  void on_end(const std::string& container_id, pid_t pid);

  EventLoop& loop_;
  std::multimap<std::string, Job> jobs_;
};

}  // namespace consort::supervisor

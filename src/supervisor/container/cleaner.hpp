// What is left of a container's run is taken away while the loop goes on:
//   - The last hold on its overlay. Giving it up makes the kernel write the whole file system below to the disk,
//     database volumes and all, and whoever closes the descriptor waits for it, often for seconds. So a process made
//     for it does the waiting, and a container has ended when its program has.
//   - Its cgroup, which can be removed only when everything in it has died.
//   - What an external runtime knows of it: its program is run for that.
// The same container must not be started again before that is over.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "base/os/loop/event_loop.hpp"

namespace consort::supervisor {

class Cleaner {
 public:
  using Done = std::move_only_function<void()>;
  using Work = std::move_only_function<void(int kept)>;

  explicit Cleaner(EventLoop& loop) : loop_(loop) {}
  ~Cleaner();  // processes under way end by themselves
  Cleaner(const Cleaner&) = delete;
  Cleaner& operator=(const Cleaner&) = delete;

  void unmount(const std::string& container_id, Fd root);
  // Kills what is in the group and removes it: at once if nothing is in it, else in steps. path: runtime::Cgroup's.
  void remove_group(const std::string& container_id, const std::string& path);
  // Ordinary code in a process of its own, which has none of our descriptors but 0 to 2 and `kept` (-1: none).
  void run(const std::string& container_id, Fd kept, Work work);
  // A child of ours that is about to end: reaped when it does.
  void reap(const std::string& container_id, pid_t pid);

  bool busy_with(const std::string& container_id) const { return jobs_.contains(container_id); }
  void when_done(const std::string& container_id, Done done);
  // Something is left that must be seen through before we end. (What only waits for the disk ends by itself.)
  bool must_go_on() const;
  std::function<void()> on_end;  // a job is over

 private:
  enum class Kind : std::uint8_t { unmount, group, process };
  struct Job {
    Kind kind = Kind::process;
    std::uint64_t number = 0;
    pid_t pid = 0;
    Fd pidfd;
    EventLoop::Token watch = 0;  // of the pidfd
    EventLoop::Token timer = 0;
    std::string group;
    std::chrono::steady_clock::time_point deadline{};
    std::chrono::milliseconds pause{0};
    std::vector<Done> waiters;
  };
  using Jobs = std::multimap<std::string, Job>;

  void watch_process(const std::string& container_id, Kind kind, pid_t pid);
  void try_group(const std::string& container_id, std::uint64_t number);
  Jobs::iterator find(const std::string& container_id, std::uint64_t number);
  void end(Jobs::iterator job);

  EventLoop& loop_;
  Jobs jobs_;
  std::uint64_t next_ = 1;
};

}  // namespace consort::supervisor

// Removes what is left of a container's run while the loop continues:
//   - The last reference to its overlay. Closing it makes the kernel write the whole file system below it to disk,
//     database volumes included, and the process that closes it waits, often for seconds. A separate process does that,
//     so a container has ended as soon as its program has.
//   - Its cgroup, which can only be removed once everything in it has died.
//   - The state of an external runtime, whose program is run for that.
// The same container must not be started again until this is finished.
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
  ~Cleaner();  // running processes end by themselves
  Cleaner(const Cleaner&) = delete;
  Cleaner& operator=(const Cleaner&) = delete;

  void unmount(const std::string& container_id, Fd root);
  // Kills the processes in the cgroup and removes it: at once if it is empty, else in steps. path: as in
  // runtime::Cgroup.
  void remove_group(const std::string& container_id, const std::string& path);
  // Runs ordinary code in a separate process, which has none of our descriptors except 0 to 2 and `kept` (-1: none).
  void run(const std::string& container_id, Fd kept, Work work);
  // A child of ours that is about to end: reaps it.
  void reap(const std::string& container_id, pid_t pid);

  bool busy_with(const std::string& container_id) const { return jobs_.contains(container_id); }
  void when_done(const std::string& container_id, Done done);
  // Whether something must be completed before the supervisor ends. (What only waits for the disk ends by itself.)
  bool must_go_on() const;
  std::function<void()> on_end;  // called when a job has finished

 private:
  enum class Kind : std::uint8_t { unmount, group, process };
  struct Job {
    Kind kind = Kind::process;
    std::uint64_t number = 0;
    pid_t pid = 0;
    Fd pidfd;
    EventLoop::Token watch = 0;  // for the pidfd
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

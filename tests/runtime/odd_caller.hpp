// A calling process with unusual settings (limits, masks, descriptors), which must not reach a container.
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>
#include <vector>

namespace consort::runtime {

// Gives this process unusual settings, and restores them.
class OddCaller {
 public:
  OddCaller() {
    for (const int resource : {RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_STACK, RLIMIT_MEMLOCK, RLIMIT_SIGPENDING}) {
      rlimit limit{};
      ::getrlimit(resource, &limit);
      limits_.emplace_back(resource, limit);
      // Only soft limits: without CAP_SYS_RESOURCE, a hard one could not be restored.
      limit.rlim_cur = resource == RLIMIT_CORE ? 0 : resource == RLIMIT_NOFILE ? 128 : limit.rlim_cur / 2;
      ::setrlimit(resource, &limit);
    }
    ::sched_getaffinity(0, sizeof processors_, &processors_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first_processor(), &one);
    ::sched_setaffinity(0, sizeof one, &one);
    umask_ = ::umask(077);
    ::setpriority(PRIO_PROCESS, 0, 7);
    constexpr int idle = 3 << 13;
    ::syscall(SYS_ioprio_set, 1, 0, idle);
    ::personality(ADDR_NO_RANDOMIZE);
    ::prctl(PR_SET_TIMERSLACK, 1000000, 0, 0, 0);
    for (const int signal : {SIGPIPE, SIGHUP, SIGQUIT}) ::signal(signal, SIG_IGN);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &blocked, &mask_);
  }
  ~OddCaller() {
    for (const auto& [resource, limit] : limits_) ::setrlimit(resource, &limit);
    ::sched_setaffinity(0, sizeof processors_, &processors_);
    ::umask(umask_);
    ::setpriority(PRIO_PROCESS, 0, 0);
    ::syscall(SYS_ioprio_set, 1, 0, 0);
    ::personality(PER_LINUX);
    ::prctl(PR_SET_TIMERSLACK, 50000, 0, 0, 0);
    for (const int signal : {SIGPIPE, SIGHUP, SIGQUIT}) ::signal(signal, SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
  }
  OddCaller(const OddCaller&) = delete;
  OddCaller& operator=(const OddCaller&) = delete;

 private:
  int first_processor() const {
    int number = 0;
    while (!CPU_ISSET(number, &processors_)) ++number;
    return number;
  }
  std::vector<std::pair<int, rlimit>> limits_;
  cpu_set_t processors_{};
  mode_t umask_ = 0;
  sigset_t mask_{};
};

}  // namespace consort::runtime

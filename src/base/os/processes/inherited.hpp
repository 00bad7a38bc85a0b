// Resets what a process inherits from its parent to a fixed state: a container must not be slower, or be able to open
// fewer files, because `up` was run from another shell.
//
// Async-signal-safe, and uses nothing but libc: the keeper has nothing else, and the runtime calls this between clone
// and exec. Best effort: what is not permitted is left unchanged, or set as close to the default as permitted.
#pragma once

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace consort {

struct DefaultLimit {
  int resource;  // RLIMIT_*
  uint64_t soft, hard;
};

// The defaults of Docker's packages.
inline constexpr uint64_t no_limit = ~uint64_t{0};
inline constexpr uint64_t of_the_machine = no_limit - 1;  // the hard limit, which the kernel sets at boot
inline constexpr DefaultLimit default_limits[] = {
    {RLIMIT_CPU, no_limit, no_limit},
    {RLIMIT_FSIZE, no_limit, no_limit},
    {RLIMIT_DATA, no_limit, no_limit},
    {RLIMIT_STACK, uint64_t{8} << 20, no_limit},
    {RLIMIT_CORE, no_limit, no_limit},
    {RLIMIT_RSS, no_limit, no_limit},
    {RLIMIT_NPROC, no_limit, no_limit},
    {RLIMIT_NOFILE, uint64_t{1} << 20, uint64_t{1} << 20},
    {RLIMIT_MEMLOCK, uint64_t{8} << 20, uint64_t{8} << 20},
    {RLIMIT_AS, no_limit, no_limit},
    {RLIMIT_LOCKS, no_limit, no_limit},
    {RLIMIT_MSGQUEUE, 819200, 819200},
    {RLIMIT_NICE, 0, 0},
    {RLIMIT_RTPRIO, 0, 0},
    {RLIMIT_RTTIME, no_limit, no_limit},
    {RLIMIT_SIGPENDING, of_the_machine, of_the_machine},
};

struct KernelLimit {  // rlimit64 of prlimit64
  uint64_t soft, hard;
};

// Without CAP_SYS_RESOURCE a hard limit cannot be raised; nor can RLIMIT_NOFILE exceed fs.nr_open. In these cases, sets
// as much as possible.
inline void reset_limit(const DefaultLimit& wanted) {
  KernelLimit now{};
  if (::syscall(SYS_prlimit64, 0, wanted.resource, nullptr, &now) != 0) return;
  KernelLimit next{wanted.soft, wanted.hard};
  if (wanted.hard == of_the_machine) next.soft = next.hard = now.hard;
  if (now.soft == next.soft && now.hard == next.hard) return;
  while (::syscall(SYS_prlimit64, 0, wanted.resource, &next, nullptr) != 0 && next.hard > now.hard) {
    next.hard = next.hard == no_limit || next.hard / 2 < now.hard ? now.hard : next.hard / 2;
    if (next.soft > next.hard) next.soft = next.hard;
  }
}

inline void reset_limits() {
  for (const DefaultLimit& limit : default_limits) reset_limit(limit);
}

// Resets nice value, scheduling policy, CPU affinity, memory policy, I/O priority, and the process settings that execve
// does not clear.
inline void reset_scheduling() {
  // struct sched_attr; linux/sched/types.h can't be included together with sched.h.
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } ordinary{};
  ordinary.size = sizeof ordinary;
  ::syscall(SYS_sched_setattr, 0, &ordinary, 0);
  // The kernel restricts this to the CPUs of the process's cpuset.
  unsigned char processors[1024];
  ::memset(processors, 0xff, sizeof processors);
  ::syscall(SYS_sched_setaffinity, 0, sizeof processors, processors);
  constexpr int mpol_default = 0, ioprio_who_process = 1;
  ::syscall(SYS_set_mempolicy, mpol_default, nullptr, 0);
  ::syscall(SYS_ioprio_set, ioprio_who_process, 0, 0);
  constexpr unsigned long timer_slack_ns = 50000;
  ::prctl(PR_SET_TIMERSLACK, timer_slack_ns, 0, 0, 0);
  ::prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
  ::personality(PER_LINUX);
}

}  // namespace consort

// The default system call filter, which behaves like Docker's: calls that ordinary programs use are allowed, calls that
// affect the kernel as a whole need the capability that the kernel itself would require, and a few are never allowed.
#include <linux/capability.h>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "runtime/seccomp.hpp"

namespace consort::runtime {

namespace {

// It includes 32-bit and ARM names, because one profile serves all architectures.
constexpr std::string_view always_allowed =
    "_llseek _newselect accept accept4 access adjtimex alarm arch_prctl arm_fadvise64_64 arm_sync_file_range bind "
    "breakpoint brk cacheflush cachestat capget capset chdir chmod chown chown32 clock_adjtime clock_adjtime64 "
    "clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 close "
    "close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old "
    "epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat "
    "faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 "
    "fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 "
    "fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv "
    "futex_wake futimesat get_robust_list get_thread_area get_tls getcpu getcwd getdents getdents64 getegid "
    "getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid "
    "getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid "
    "getsockname getsockopt gettid gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch inotify_init "
    "inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup "
    "io_submit ioctl ioprio_get ioprio_set ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self "
    "lchown lchown32 lgetxattr link linkat listen listmount listxattr listxattrat llistxattr lremovexattr lseek "
    "lsetxattr lstat lstat64 madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat "
    "mknod mknodat mlock mlock2 mlockall mmap mmap2 modify_ldt mprotect mq_getsetattr mq_notify mq_open "
    "mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget "
    "msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat open openat openat2 pause "
    "pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl "
    "pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev pselect6 pselect6_time64 "
    "ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv recvfrom recvmmsg "
    "recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall "
    "rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait "
    "rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity "
    "sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 "
    "sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget "
    "semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto set_robust_list "
    "set_thread_area set_tid_address set_tls setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups "
    "setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 "
    "setreuid setreuid32 setrlimit setsid setsockopt setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget "
    "shutdown sigaction sigaltstack signal signalfd signalfd4 sigpending sigprocmask sigreturn sigsuspend socketcall "
    "socketpair splice stat stat64 statfs statfs64 statmount statx symlink symlinkat sync sync_file_range syncfs "
    "sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime "
    "timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill "
    "truncate truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes "
    "vfork vmsplice wait4 waitid waitpid write writev";

struct ByCapability {
  int capability;
  std::string_view names;
};
constexpr ByCapability by_capability[] = {
    {CAP_SYS_ADMIN,
     "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules "
     "lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname "
     "sethostname setns syslog umount umount2 unshare"},
    {CAP_SYS_MODULE, "delete_module finit_module init_module"},
    {CAP_SYS_BOOT, "reboot"},
    {CAP_SYS_CHROOT, "chroot"},
    {CAP_DAC_READ_SEARCH, "open_by_handle_at"},
    {CAP_SYS_PACCT, "acct"},
    {CAP_SYS_RAWIO, "ioperm iopl"},
    {CAP_SYS_TIME, "clock_settime clock_settime64 settimeofday stime"},
    {CAP_SYS_TTY_CONFIG, "vhangup"},
    {CAP_SYS_NICE, "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"},
    {CAP_SYS_PTRACE, "kcmp pidfd_getfd process_madvise"},
    {CAP_SYSLOG, "syslog"},
    {CAP_BPF, "bpf"},
    {CAP_PERFMON, "perf_event_open"},
};

// CLONE_NEW* for mount, cgroup, uts, ipc, user, pid and net.
constexpr std::uint64_t namespace_flags = 0x7e020000;
constexpr std::uint64_t vsock_family = 40;
constexpr std::uint64_t allowed_personalities[] = {0, 8, 0x20000, 0x20008, 0xffffffff};
constexpr int eperm = 1;
constexpr int enosys = 38;

Json names_of(std::string_view text) {
  return split(text, ' ');
}

Json allow(Json names) {
  return {{"names", std::move(names)}, {"action", "SCMP_ACT_ALLOW"}};
}

Json allow_if(std::string_view name, std::uint64_t value, std::uint64_t second, std::string_view comparison) {
  Json rule = allow(Json::array({name}));
  rule["args"] = Json::array({{{"index", 0}, {"value", value}, {"valueTwo", second}, {"op", comparison}}});
  return rule;
}

Json architectures() {
#if defined(__x86_64__)
  return {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
#elif defined(__aarch64__)
  return {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
#else
  return Json::array();
#endif
}

}  // namespace

std::string default_seccomp_profile(std::uint64_t capabilities) {
  const auto has = [capabilities](int capability) { return (capabilities >> capability & 1) != 0; };
  Json rules = Json::array();
  rules.push_back(allow(names_of(always_allowed)));
  for (const ByCapability& entry : by_capability)
    if (has(entry.capability)) rules.push_back(allow(names_of(entry.names)));
  if (!has(CAP_SYS_ADMIN)) {
    rules.push_back(allow_if("clone", namespace_flags, 0, "SCMP_CMP_MASKED_EQ"));
    // Its flags are in memory, where a filter cannot look. With ENOSYS the C library uses clone instead.
    rules.push_back({{"names", {"clone3"}}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", enosys}});
  }
  rules.push_back(allow_if("socket", vsock_family, 0, "SCMP_CMP_NE"));
  for (const std::uint64_t personality : allowed_personalities)
    rules.push_back(allow_if("personality", personality, 0, "SCMP_CMP_EQ"));
  const Json profile = {{"defaultAction", "SCMP_ACT_ERRNO"},
                        {"defaultErrnoRet", eperm},
                        {"architectures", architectures()},
                        {"syscalls", std::move(rules)}};
  return dump_json(profile);
}

}  // namespace consort::runtime

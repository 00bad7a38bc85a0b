// The clone, and the parent's side of the handshake shown in launch.hpp.
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/strings.hpp"
#include "runtime/launch/launch_protocol.hpp"
#include "runtime/launch/prepare.hpp"

namespace consort::runtime {

using internal::Report;
using internal::ReportKind;

namespace {

// Between clone and the child's own reset of handlers, no signal may run our handlers in it.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &old_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &old_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t old_;
};

// Sets the pid namespace of this thread's next children. Root can undo that.
class PidNamespaceVisit {
 public:
  static Result<PidNamespaceVisit> begin(int target) {
    PidNamespaceVisit visit;
    if (target < 0) return visit;
    visit.home_ = TRY(open_file("/proc/self/ns/pid", O_RDONLY));
    // With a pidfd, the flag also selects which of its namespaces to join.
    if (::setns(target, CLONE_NEWPID) != 0) return fail_errno("join pid namespace");
    visit.away_ = true;
    return visit;
  }
  PidNamespaceVisit(PidNamespaceVisit&& other) noexcept
      : home_(std::move(other.home_)), away_(std::exchange(other.away_, false)) {}
  ~PidNamespaceVisit() {
    if (away_) ::setns(home_.get(), CLONE_NEWPID);
  }

 private:
  PidNamespaceVisit() = default;
  Fd home_;
  bool away_ = false;
};

Error clone_error(int number) {
  Error error = errno_error(number, "create process with namespaces");
  if (number == EPERM) error.data().hint = "are user namespaces allowed (kernel.unprivileged_userns_clone, AppArmor)?";
  if (number == ENOSPC) error.data().hint = "a limit of namespaces is reached (user.max_*_namespaces)";
  if (number == EAGAIN) error.data().hint = "a limit of processes is reached (ulimit -u, pids cgroup)";
  if (number == ENOMEM) error.data().hint = "out of memory, or the container being joined has just ended";
  return error;
}

// The kernel takes the offsets for the namespace that the process's children will be in.
Result<> write_clock_offsets(pid_t pid, const std::string& text) {
  const std::string path = "/proc/" + std::to_string(pid) + "/timens_offsets";
  const Fd fd = TRY(open_file(path, O_WRONLY));
  TRY_WRAP(write_full(fd.get(), text), "set clock offsets");
  return {};
}

// The pid in our pid namespace of a process that may have been created in another one.
Result<pid_t> pid_of(int pidfd) {
  const std::string info = TRY(read_file("/proc/self/fdinfo/" + std::to_string(pidfd), 4096));
  for (const std::string& line : split(info, '\n'))
    if (line.starts_with("Pid:"))
      if (const auto pid = parse_signed(trim(std::string_view(line).substr(4))); pid && *pid > 0)
        return static_cast<pid_t>(*pid);
  return fail(Code::not_found, "look at process");
}

}  // namespace

std::string internal::map_text(const std::vector<IdMapping>& mappings) {
  std::string text;
  for (const IdMapping& map : mappings)
    text +=
        std::to_string(map.container_id) + " " + std::to_string(map.host_id) + " " + std::to_string(map.size) + "\n";
  return text;
}

Result<> internal::write_maps(pid_t pid, const std::vector<IdMapping>& uids, const std::vector<IdMapping>& gids) {
  const std::string directory = "/proc/" + std::to_string(pid);
  const auto write = [&directory](const char* file, const std::string& text) -> Result<> {
    const Fd fd = TRY(open_file(directory + file, O_WRONLY));
    TRY_WRAP(write_full(fd.get(), text), "map users");
    return {};
  };
  // Without privileges, the kernel requires setgroups to be denied before a gid map is written.
  if (::geteuid() != 0) (void)write("/setgroups", "deny");
  TRY(write("/uid_map", internal::map_text(uids)));
  return write("/gid_map", internal::map_text(gids));
}

namespace {

struct Received {
  Report report{};
  std::string text;
  Fd descriptor;  // `ready`: the console's master; `moved`: a pidfd
};

// nullopt at the end of the stream; Code::busy if no message is waiting.
Result<std::optional<Received>> receive(int socket) {
  Received received;
  char text[internal::max_report_text];
  iovec parts[2] = {{&received.report, sizeof received.report}, {text, sizeof text}};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got;
  do got = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0 && errno == ECONNRESET) return std::optional<Received>();
  if (got < 0) return fail_errno("hear from container");
  if (got == 0) return std::optional<Received>();
  if (got < static_cast<ssize_t>(sizeof received.report)) return fail(Code::internal, "hear from container");
  received.text.assign(text, static_cast<std::size_t>(got) - sizeof received.report);
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    int fd;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    received.descriptor = Fd(fd);
  }
  return std::optional<Received>(std::move(received));
}

}  // namespace

Result<> Launch::Impl::spawn(std::span<const internal::Step> steps) {
  auto [ours, theirs] = TRY(make_socket_pair(SOCK_SEQPACKET));
  int pidfd_number = -1;
  clone_args arguments{};
  const std::uint64_t namespaces = plan.nested ? 0 : plan.clone_flags;
  arguments.flags = namespaces | CLONE_PIDFD | (child_of == ChildOf::sibling ? CLONE_PARENT : 0);
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd_number);
  arguments.exit_signal = child_of == ChildOf::sibling ? 0 : SIGCHLD;  // a sibling uses the parent's own signal
  if (plan.cgroup_directory) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<std::uint64_t>(plan.cgroup_directory.get());
  }
  const auto make = [&]() -> Result<> { return clone_child(arguments, steps, theirs.get(), pidfd_number, ours); };
  const int of_its_plan = plan.pid_namespace ? plan.pid_namespace.get() : plan.join_pidfd;
  const int pid_target = plan.enters_last ? -1 : of_its_plan;
  internal::keep_only_own(theirs.get(), plan);
  if (pid_target < 0) return make();
  const auto visit_and_make = [&]() -> Result<> {
    const PidNamespaceVisit visit = TRY(PidNamespaceVisit::begin(pid_target));
    return make();
  };
  if (!in_user_namespace()) return visit_and_make();
  // No process inside may enter the host's pid namespace, and we could not return to it. So a thread visits and then
  // ends; its child belongs to the process.
  Result<> made;
  std::thread([&] { made = visit_and_make(); }).join();
  return made;
}

Result<> Launch::Impl::clone_child(clone_args& arguments, std::span<const internal::Step> steps, int child_sync,
                                   const int& pidfd_number, Fd& ours) {
  const SignalsBlocked blocked;
  // At most twice: if a process cannot be created in the cgroup (EBUSY in a threaded one, EOPNOTSUPP), it joins by
  // itself.
  for (int attempt = 0; attempt < 2; ++attempt) {
    const long cloned = ::syscall(SYS_clone3, &arguments, sizeof arguments);
    if (cloned == 0) internal::run_child(plan, steps, child_sync);
    if (cloned > 0) {
      pid = static_cast<pid_t>(cloned);
      pidfd = Fd(pidfd_number);
      sync = std::move(ours);
      return {};
    }
    const int number = errno;
    if (!(arguments.flags & CLONE_INTO_CGROUP) || number == EAGAIN || number == ENOMEM || attempt)
      return fail(clone_error(number));
    arguments.flags &= ~static_cast<std::uint64_t>(CLONE_INTO_CGROUP);
    const int file = ::openat(plan.cgroup_directory.get(), "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (file < 0) return fail(clone_error(number));
    plan.cgroup_tasks.emplace_back(file);
  }
  return fail(Code::internal, "create process");
}

// The stream ended without a report: it was killed, by the kernel if the memory limit is too small even to start.
Error Launch::Impl::died_silently() {
  Error error(Code::io, "set up container");
  error.data().why = "its process was killed before it could run the program";
  if (own_cgroup && own_cgroup->oom_kills() > 0) {
    error.data().why = "out of memory before it could run the program";
    error.data().hint = "raise the memory limit";
  }
  return error;
}

Result<> Launch::Impl::let_go_on() {
  return ::send(sync.get(), "g", 1, MSG_NOSIGNAL) == 1 ? Result<>() : fail_errno("set up container");
}

Result<> Launch::Impl::handle(const Report& report, const std::string& text, Fd descriptor) {
  switch (report.kind) {
    case ReportKind::failed:
      if (static_cast<internal::StepId>(report.step) == internal::StepId::external)
        return fail(internal::explain_external(text));
      return fail(internal::explain(plan, report));
    case ReportKind::moved: {
      const pid_t outside = std::exchange(pid, report.argument);
      pidfd = std::move(descriptor);
      if (plan.nested) pid = TRY(pid_of(pidfd.get()));
      moved = true;
      if (child_of == ChildOf::sibling) return {};  // reaped by our parent
      while (::waitpid(outside, nullptr, 0) < 0 && errno == EINTR) {
      }
      return {};
    }
    case ReportKind::time_me:
      TRY(write_clock_offsets(pid, plan.foreign.clock_offsets));
      return let_go_on();
    case ReportKind::hooks:
      if (before_pivot) TRY(before_pivot(pid));
      return let_go_on();
    case ReportKind::console:
      console = std::move(descriptor);
      return {};
    case ReportKind::listener: {
      Fd taken(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd.get(), report.argument, 0)));
      if (!taken) return fail_errno("take seccomp listener");
      if (listener) TRY(listener(pid, std::move(taken)));
      return let_go_on();
    }
    case ReportKind::ready:
      if (descriptor) console = std::move(descriptor);
      if (helper) {
        pid = report.argument;
        pidfd = TRY(open_pidfd(pid));
      }
      // The mounts are attached in the child's namespace now. Keep ours of the root: see take_root().
      for (internal::PreparedMount& mount : plan.mounts) mount.tree.reset();
      state = State::ready;
      return {};
    case ReportKind::executing:
      executing = true;
      return {};
    case ReportKind::map_me:
      TRY(internal::write_maps(pid, uid_mappings, gid_mappings));
      return let_go_on();
  }
  return fail(Code::internal, "hear from container");
}

Result<Launch::State> Launch::Impl::advance() {
  while (!finished) {
    Result<std::optional<Received>> received = receive(sync.get());
    if (!received && received.error().sys_errno() == EAGAIN) break;
    Result<> handled;
    if (!received) {
      handled = std::unexpected(std::move(received).error());
    } else if (std::optional<Received>& told = *received; told) {
      handled = handle(told->report, told->text, std::move(told->descriptor));
    } else if (executing) {
      state = State::started;
      finished = true;
      root = std::move(plan.root);
      plan = {};  // the child owns the descriptors and trees now
      break;
    } else {
      handled = std::unexpected(died_silently());
    }
    if (handled) continue;
    abandon();
    return fail(std::move(handled).error());
  }
  return state;
}

// The helper ends by itself when the socket is closed, and removes the container unless that has started. The
// destructor, or the owner it is released to, waits for that.
void Launch::Impl::reap_helper() {
  if (!helper) return;
  ::shutdown(sync.get(), SHUT_RDWR);
  while (::waitpid(helper, nullptr, 0) < 0 && errno == EINTR) {
  }
  helper = 0;
}

pid_t Launch::Impl::release_helper() {
  if (helper) ::shutdown(sync.get(), SHUT_RDWR);
  return std::exchange(helper, 0);
}

void Launch::Impl::abandon() {
  if (finished) return;
  finished = true;
  root = std::move(plan.root);
  if (helper) {
    ::shutdown(sync.get(), SHUT_RDWR);
    return;
  }
  if (pidfd) {
    ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    if (child_of == ChildOf::sibling) return;
    pollfd ended{pidfd.get(), POLLIN, 0};
    while (::poll(&ended, 1, 2000) < 0 && errno == EINTR) {
    }
    siginfo_t info;
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED) != 0 && errno == EINTR) {
    }
  }
  if (own_cgroup) (void)own_cgroup->remove();
}

Launch::Impl::~Impl() {
  abandon();
  reap_helper();
}

}  // namespace consort::runtime

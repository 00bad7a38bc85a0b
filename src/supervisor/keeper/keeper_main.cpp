// consort-keeper SUPERVISOR [ARGUMENT...]
//
// The parent of every container's first process, and the holder of the descriptors that must outlive the supervisor. It
// starts `SUPERVISOR ARGUMENT...` with their socket as descriptor 3, and restarts it whenever it dies. It does nothing
// else, so that as little as possible can fail. Inherited descriptors: 0 is a gate (it starts at end-of-file), 1 the
// pipe on which the first supervisor reports that it is ready (passed on, then closed here), 2 the supervisor's log.
//
// Only libc, no allocation beyond the two lists, no C++ library: the program must fit into a few pages.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <initializer_list>

#include "base/os/processes/inherited.hpp"
#include "supervisor/keeper/protocol.hpp"
#include "supervisor/keeper/store.hpp"

namespace consort::keeper {
namespace {

constexpr int first_backoff_ms = 10;
constexpr int longest_backoff_ms = 1000;
constexpr long steady_seconds = 5;  // a supervisor that lived this long resets the back-off
constexpr int most_failures = 10;   // in a row, without any container left: then the keeper is not needed
// The same while it holds an exit that has not been processed, with the output before it: some minutes.
constexpr int most_failures_with_exits = 300;

struct Keeper {
  char** supervisor_argv = nullptr;
  FdStore store;
  ExitList exits;
  int signals = -1;      // signalfd: SIGCHLD and the termination signals (SIGURG: the end of our systemd scope)
  int link = -1;         // our end of the socket pair
  pid_t supervisor = 0;  // 0: not running
  long started = 0;      // seconds of the monotonic clock
  int generation = 0;
  int backoff_ms = 0;      // before the next start
  int failures = 0;        // supervisors in a row that failed shortly after their start
  bool was_ready = false;  // at least one supervisor became ready
  bool finished = false;
  int unsent_stored = 0;  // descriptors that a new supervisor has not received yet
  bool restored_sent = false;
};

long monotonic_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

void complain(const char* what) {
  dprintf(2, "consort-keeper: %s: %s\n", what, strerror(errno));
}

bool send(int link, const Message& message, int fd) {
  iovec part{const_cast<Message*>(&message), sizeof message};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (fd >= 0) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  ssize_t put;
  do put = ::sendmsg(link, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (put < 0 && errno == EINTR);
  return put == static_cast<ssize_t>(sizeof message);
}

// Returns false if the supervisor does not accept more right now.
bool tell_exits(Keeper& keeper) {
  while (Exit* exit = keeper.exits.next_unsent()) {
    Message message;
    message.kind = Kind::exited;
    message.pid = exit->pid;
    message.status = exit->status;
    if (!send(keeper.link, message, -1)) return false;
    exit->sent = true;
  }
  return true;
}

// Sends everything that the supervisor has not received yet; stops if the socket is full and continues at POLLOUT.
void tell(Keeper& keeper) {
  while (keeper.unsent_stored > 0) {
    const StoredFd& entry = keeper.store.at(keeper.store.size() - keeper.unsent_stored);
    Message message;
    message.kind = Kind::stored;
    memcpy(message.name, entry.name, sizeof message.name);
    if (!send(keeper.link, message, entry.fd)) return;
    --keeper.unsent_stored;
  }
  // Known exits are sent before `restored`, so that a successor learns at once which processes are dead.
  if (!tell_exits(keeper) || keeper.restored_sent) return;
  Message message;
  message.kind = Kind::restored;
  message.status = keeper.generation;
  keeper.restored_sent = send(keeper.link, message, -1);
}

bool all_told(const Keeper& keeper, ExitList& exits) {
  return keeper.unsent_stored == 0 && keeper.restored_sent && exits.next_unsent() == nullptr;
}

void obey(Keeper& keeper, Message& message, int fd) {
  message.name[sizeof message.name - 1] = '\0';
  switch (message.kind) {
    case Kind::put:
      if (fd >= 0 && !keeper.store.put(message.name, fd)) complain("keep a descriptor");
      return;
    case Kind::remove:
      keeper.store.remove(message.name);
      break;
    case Kind::acknowledge:
      keeper.exits.acknowledge(message.pid);
      break;
    case Kind::ready:
      keeper.was_ready = true;
      break;
    case Kind::finished:
      keeper.finished = true;
      break;
    default:
      break;
  }
  if (fd >= 0) ::close(fd);
}

// Reads all pending messages. Returns false if the other end is closed and nothing is left to read.
bool listen_to_supervisor(Keeper& keeper) {
  for (;;) {
    Message message;
    iovec part{&message, sizeof message};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t got = ::recvmsg(keeper.link, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    int fd = -1;
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c))
      if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(c), sizeof fd);
    if (got == 0) return false;
    if (got == static_cast<ssize_t>(sizeof message) && message.version == protocol_version)
      obey(keeper, message, fd);
    else if (fd >= 0)
      ::close(fd);
  }
}

// Drops the attributes of the shell that ran `up`: its niceness and limits would apply to us, and to every supervisor,
// for days. Then makes us the last to be killed when memory runs out. Best effort.
void leave_caller() {
  consort::reset_scheduling();
  consort::reset_limits();
  rlimit core{};  // a container may write one to its own files; ours would be on the host, with the data in our memory
  if (::getrlimit(RLIMIT_CORE, &core) == 0) {
    core.rlim_cur = 0;
    ::setrlimit(RLIMIT_CORE, &core);
  }
  ::umask(022);
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!::write(fd, "-900", 4);
  ::close(fd);
}

// In the child, between fork and exec. It must not inherit our signal mask, nor any descriptor except 0-3.
[[noreturn]] void become_supervisor(const Keeper& keeper, int socket) {
  if (socket != socket_fd) {
    ::dup2(socket, socket_fd);  // without CLOEXEC
  } else {
    ::fcntl(socket, F_SETFD, 0);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv(keeper.supervisor_argv[0], keeper.supervisor_argv);
  dprintf(1, "start %s: %s", keeper.supervisor_argv[0], strerror(errno));
  _exit(127);
}

void start_supervisor(Keeper& keeper) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return complain("create socket pair");
  const pid_t pid = ::fork();
  if (pid < 0) {
    complain("fork");
    ::close(pair[0]);
    ::close(pair[1]);
    return;
  }
  if (pid == 0) become_supervisor(keeper, pair[1]);
  ::close(pair[1]);
  keeper.link = pair[0];
  keeper.supervisor = pid;
  keeper.started = monotonic_seconds();
  ++keeper.generation;
  keeper.unsent_stored = keeper.store.size();
  keeper.restored_sent = false;
  keeper.exits.mark_all_unsent();
  // From now on only the supervisor holds the readiness pipe: if it dies, the starter reads end-of-file.
  if (keeper.generation == 1) ::dup2(2, 1);
}

void reap(Keeper& keeper) {
  int status = 0;
  pid_t pid;
  while ((pid = ::waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
    if (pid != keeper.supervisor) {
      if (!keeper.exits.add(pid, status)) complain("remember an exit");
      continue;
    }
    listen_to_supervisor(keeper);  // its final messages: descriptors stored and exits acknowledged before it died
    ::close(keeper.link);
    keeper.link = -1;
    keeper.supervisor = 0;
    if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0)
      dprintf(2, "consort-keeper: supervisor %d ended with status 0x%x\n", pid, static_cast<unsigned>(status));
    const bool steady = monotonic_seconds() - keeper.started >= steady_seconds;
    keeper.failures = steady || status == 0 ? 0 : keeper.failures + 1;
    if (steady)
      keeper.backoff_ms = 0;
    else if (keeper.backoff_ms == 0)
      keeper.backoff_ms = first_backoff_ms;
    else
      keeper.backoff_ms = keeper.backoff_ms * 2 > longest_backoff_ms ? longest_backoff_ms : keeper.backoff_ms * 2;
  }
}

void on_signals(Keeper& keeper) {
  signalfd_siginfo info;
  while (::read(keeper.signals, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    // A clean shutdown is the supervisor's job: it stops the containers, then reports that we are finished.
    if (info.ssi_signo != SIGCHLD && keeper.supervisor > 0) ::kill(keeper.supervisor, SIGTERM);
  }
  reap(keeper);
}

bool childless() {
  siginfo_t info;
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0 && errno == ECHILD;
}

// SIGCHLD wakes us even while no supervisor runs, so a back-off is simply a poll with a timeout.
int run(Keeper& keeper) {
  for (;;) {
    if (keeper.supervisor == 0) {
      if (keeper.finished) return 0;
      // The first one never became ready: its starter has read the reason, and there is nothing to keep.
      const bool hopeless = keeper.generation > 0 && !keeper.was_ready && keeper.store.size() == 0;
      // Orphans of the supervisor exit, too, but we need not stay for them.
      const bool keeps_an_end = keeper.exits.size() > 0 && keeper.store.holds_of_a_container();
      const int patience = keeps_an_end ? most_failures_with_exits : most_failures;
      if (hopeless || (keeper.failures >= patience && childless())) return 1;
      if (keeper.backoff_ms > 0) {
        pollfd wait{keeper.signals, POLLIN, 0};
        timespec pause{keeper.backoff_ms / 1000, (keeper.backoff_ms % 1000) * 1000000L};
        if (keeper.generation > 1) ::nanosleep(&pause, nullptr);
        if (::poll(&wait, 1, 0) > 0) on_signals(keeper);
      }
      start_supervisor(keeper);
      if (keeper.supervisor == 0) {
        keeper.backoff_ms = longest_backoff_ms;
        timespec pause{1, 0};
        ::nanosleep(&pause, nullptr);
        continue;
      }
    }
    tell(keeper);
    pollfd waits[2] = {{keeper.signals, POLLIN, 0}, {keeper.link, POLLIN, 0}};
    if (!all_told(keeper, keeper.exits)) waits[1].events |= POLLOUT;
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) return 1;
    if (waits[1].revents & (POLLIN | POLLHUP)) {
      if (!listen_to_supervisor(keeper)) {
        // Closed but not reaped yet: wait only for the signal, or this loop would spin on the hang-up.
        pollfd wait{keeper.signals, POLLIN, 0};
        ::poll(&wait, 1, -1);
        waits[0].revents = POLLIN;
      }
    }
    if (waits[0].revents != 0) on_signals(keeper);
  }
}

// Before the starter opens the gate, it moves this process, and so all its descendants, to the right cgroup.
void wait_at_gate() {
  char byte;
  ssize_t got;
  do got = ::read(0, &byte, 1);
  while (got > 0 || (got < 0 && errno == EINTR));
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null > 0) ::dup2(null, 0);
  if (null > 0) ::close(null);
}

// Leaves the terminal and session of the caller, which reaps the first process.
bool detach() {
  const pid_t pid = ::fork();
  if (pid < 0) return false;
  if (pid > 0) _exit(0);
  return ::setsid() >= 0 && ::chdir("/") == 0;
}

// Removes the supervisor's name from our own command line, where `pkill -f consort-supervisor` would match it and kill
// the keeper as well. The kernel shows the current memory of argv.
char** take_supervisor_argv(int argc, char** argv) {
  char** taken = static_cast<char**>(::calloc(static_cast<size_t>(argc), sizeof(char*)));
  if (taken == nullptr) return nullptr;
  for (int i = 1; i < argc; ++i)
    if ((taken[i - 1] = ::strdup(argv[i])) == nullptr) return nullptr;
  char* const from = argc > 2 ? argv[2] : argv[1] + strlen(argv[1]);
  char* const end = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
  const size_t moved = static_cast<size_t>(end - from), removed = static_cast<size_t>(from - argv[1]);
  memmove(argv[1], from, moved);
  memset(argv[1] + moved, 0, removed);
  return taken;
}

}  // namespace
}  // namespace consort::keeper

int main(int argc, char** argv) {
  using namespace consort::keeper;
  if (argc < 2) {
    dprintf(2, "usage: consort-keeper SUPERVISOR [ARGUMENT...]\n");
    return 2;
  }
  // Descriptors 0-2 must exist, or the first ones opened below would get their numbers.
  while (true) {
    const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0) return 1;
    if (fd > 2) {
      ::close(fd);
      break;
    }
  }
  wait_at_gate();
  if (!detach()) return 1;
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return 1;

  sigset_t watched;
  sigemptyset(&watched);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGURG}) sigaddset(&watched, signal);
  ::sigprocmask(SIG_BLOCK, &watched, nullptr);
  Keeper keeper;
  keeper.supervisor_argv = take_supervisor_argv(argc, argv);
  if (keeper.supervisor_argv == nullptr) return 1;
  leave_caller();
  ::signal(SIGXFSZ, SIG_IGN);  // the limit that leave_caller() may not raise: a line of the log is lost, not us
  keeper.signals = ::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  if (keeper.signals < 0) return 1;
  return run(keeper);
}

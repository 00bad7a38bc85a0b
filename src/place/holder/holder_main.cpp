// consort-place SOCKET [LINK_PROGRAM [ARGUMENT...]]
//
// Keeps the namespaces in which everything of a user other than root runs, for as long as anything runs: it holds their
// descriptors, but stays outside of them, as an ordinary process of that user. So it can do the two things that no
// process inside can: open sockets on the host's network, and run LINK_PROGRAM (pasta or slirp4netns), which carries
// the namespace's packets to the outside. In its arguments, "PID" after "/proc/" stands for a process that is in the
// namespaces until the program is ready.
//
// Descriptors: see protocol.hpp. It starts at once, writes "ok" to descriptor 1, and ends when no client is connected
// and no process is in the user namespace. Only libc and no allocation: the program must fit into a few pages.
//
// A child does all the work. If it is killed, its parent starts another, which listens on the same socket; if the
// parent is killed, the child takes its place. Clients notice that their connection has ended and connect again.
#include "place/holder/holder.hpp"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <initializer_list>

#include "base/os/processes/inherited.hpp"

namespace consort::place {
namespace {

constexpr int linger_ms = 500;  // commands often follow each other

void reap(Holder& holder) {
  int status = 0;
  pid_t pid;
  while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
    if (holder.link_words >= 0) hear_link(holder);
    if (pid == holder.anchor_pid) {
      holder.anchor_pid = 0;
    } else if (pid == holder.link_starter) {
      holder.link_starter = 0;
      const bool daemon_ready = holder.link == Link::starting && WIFEXITED(status) && WEXITSTATUS(status) == 0;
      settle_link(holder, daemon_ready ? Link::up : Link::failed);
    } else if (holder.link == Link::up) {
      settle_link(holder, Link::none);  // pasta's daemon has died: the next request starts a new one
    }
  }
}

void end_children() {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", ::getpid());
  FILE* const file = ::fopen(path, "re");
  int pid = 0;
  while (file != nullptr && ::fscanf(file, "%d", &pid) == 1) ::kill(pid, SIGTERM);
}

// The fourth field; the second is a name in parentheses, which may contain anything: the last parenthesis ends it.
int parent_of(const char* process) {
  char path[300], text[1024];
  snprintf(path, sizeof path, "/proc/%s/stat", process);
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t got = file < 0 ? -1 : ::read(file, text, sizeof text - 1);
  if (file >= 0) ::close(file);
  if (got < 0) return 0;
  text[got] = '\0';
  const char* const name_end = ::strrchr(text, ')');
  int parent = 0;
  if (name_end != nullptr) (void)!::sscanf(name_end, ") %*c %d", &parent);
  return parent;
}

// Whether a process is in the namespace itself. Containers in nested namespaces have a keeper that is in it.
bool is_inhabited(const Holder& holder) {
  DIR* const processes = ::opendir("/proc");
  if (processes == nullptr) return true;
  bool found = false;
  while (const dirent* entry = found ? nullptr : ::readdir(processes)) {
    char path[300];
    struct stat st;
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    snprintf(path, sizeof path, "/proc/%s/ns/user", entry->d_name);
    if (::stat(path, &st) != 0 || st.st_ino != holder.user_namespace) continue;
    // The link's own program only serves the other processes.
    const int parent = parent_of(entry->d_name);
    found = parent != ::getpid() && parent != holder.guard;
  }
  ::closedir(processes);
  return found;
}

void obey(Holder& holder, int index) {
  Message wish;
  const ssize_t got = ::recv(holder.clients[index], &wish, sizeof wish, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got != static_cast<ssize_t>(sizeof wish) || wish.version != protocol_version) return drop(holder, index);
  if (wish.kind == Kind::bind) return bind_for(holder.clients[index], wish);
  if (wish.kind != Kind::link) return answer(holder.clients[index], EINVAL, "");
  holder.awaits_link[index] = true;
  if (holder.link == Link::up && !holder.shared->link_up) holder.link = Link::none;
  if (holder.link == Link::up) return tell_of_link(holder, index);
  if (holder.link != Link::starting) start_link(holder);
}

// Returns false if the work is finished.
bool turn(Holder& holder) {
  static pollfd waits[most_clients + 4];
  waits[0] = {holder.listener, POLLIN, 0};
  waits[1] = {holder.signals, POLLIN, 0};
  waits[2] = {holder.link_words, POLLIN, 0};
  waits[3] = {holder.link_ready, POLLIN, 0};
  for (int i = 0; i < holder.count; ++i) waits[4 + i] = {holder.clients[i], POLLIN, 0};
  const int count = holder.count;
  const int got = ::poll(waits, 4 + static_cast<nfds_t>(count), count == 0 ? linger_ms : -1);
  if (got < 0) return errno == EINTR;
  if (got == 0) return is_inhabited(holder);
  signalfd_siginfo info;
  while (::read(holder.signals, &info, sizeof info) == static_cast<ssize_t>(sizeof info))
    if (info.ssi_signo == SIGTERM && holder.count == 0) return false;
  if (::getppid() != holder.guard) return false;
  if (waits[2].revents != 0) hear_link(holder);
  if (waits[3].revents != 0) hear_ready(holder);
  reap(holder);
  for (int i = count; i-- > 0;)
    if (waits[4 + i].revents != 0) obey(holder, i);
  if (waits[0].revents != 0) accept_client(holder);
  return true;
}

// Returns true once nothing is left in the place, false if the guard is gone.
bool serve(Holder& holder, pid_t guard) {
  holder.guard = guard;
  holder.link = holder.shared->link_up ? Link::up : Link::none;
  holder.link_starter = holder.anchor_pid = 0;
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGURG, 0, 0, 0);
  while (turn(holder)) {
  }
  if (::getppid() == guard) return true;
  while (holder.count > 0) drop(holder, 0);
  for (int* const fd : {&holder.anchor, &holder.link_words, &holder.link_ready}) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
  return false;
}

// Whether the serving process finished its work.
bool watch_over(Holder& holder, pid_t server, const sigset_t& watched) {
  while (true) {
    int status = 0;
    pid_t pid;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (pid == server) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
      holder.shared->link_up = false;  // started by the previous server
    }
    siginfo_t info{};
    if (::sigwaitinfo(&watched, &info) == SIGTERM) ::kill(server, SIGTERM);
  }
}

void guard(Holder& holder, const sigset_t& watched) {
  while (true) {
    const pid_t self = ::getpid();
    timespec began{}, ended{};
    ::clock_gettime(CLOCK_MONOTONIC, &began);
    const pid_t pid = ::fork();
    if (pid == 0) {
      if (serve(holder, self)) ::_exit(0);
      continue;  // we are the guard now
    }
    if (pid < 0) {  // process limit reached: continue without a guard
      while (!serve(holder, ::getppid())) {
      }
      return;
    }
    if (watch_over(holder, pid, watched)) return;
    ::clock_gettime(CLOCK_MONOTONIC, &ended);
    if (ended.tv_sec - began.tv_sec < 2) ::poll(nullptr, 0, 100);  // do not restart a failing server in a tight loop
  }
}

// From inside its directory, because the whole path may be too long for a socket's name.
int listen_at(const char* path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const char* const last = strrchr(path, '/');
  if (last == nullptr || strlen(last) > sizeof name.sun_path) {
    errno = EINVAL;
    return -1;
  }
  strcpy(name.sun_path, last + 1);
  char directory[PATH_MAX];
  snprintf(directory, sizeof directory, "%.*s", static_cast<int>(last - path), path);
  if (::chdir(directory) != 0) return -1;
  ::unlink(last + 1);
  const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 || ::chmod(last + 1, 0600) != 0 ||
      ::listen(fd, SOMAXCONN) != 0)
    return -1;
  return fd;
}

}  // namespace
}  // namespace consort::place

int main(int argc, char** argv) {
  using namespace consort::place;
  if (argc < 2) {
    dprintf(2, "usage: consort-place SOCKET [LINK_PROGRAM [ARGUMENT...]]\n");
    return 2;
  }
  for (const int fd : {user_fd, mount_fd, network_fd, lock_fd}) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  static Holder holder;
  holder.path = argv[1];
  holder.link_argv = argc > 2 ? argv + 2 : nullptr;
  struct stat st;
  if (::fstat(user_fd, &st) != 0) return 2;
  holder.user_namespace = st.st_ino;
  consort::reset_scheduling();
  consort::reset_limits();
  ::umask(077);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  sigset_t watched;
  sigemptyset(&watched);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGURG}) sigaddset(&watched, signal);
  ::sigprocmask(SIG_BLOCK, &watched, nullptr);
  holder.signals = ::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  holder.listener = listen_at(holder.path);
  if (holder.signals < 0 || holder.listener < 0) {
    dprintf(1, "listen at %s: %s", holder.path, strerror(errno));
    return 1;
  }
  (void)!::chdir("/");
  struct stat named;
  if (::lstat(holder.path, &named) == 0) holder.socket_inode = named.st_ino;
  (void)!::write(1, "ok", 2);
  ::dup2(2, 1);
  holder.shared =
      static_cast<Shared*>(::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (holder.shared == MAP_FAILED) return 1;
  guard(holder, watched);
  // A connecting client finds the socket closed, and creates a new place once the lock, held by descriptor 6, is free.
  if (::lstat(holder.path, &named) == 0 && named.st_ino == holder.socket_inode) ::unlink(holder.path);
  end_children();
  return 0;
}

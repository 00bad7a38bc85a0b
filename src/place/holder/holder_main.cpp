// consort-place SOCKET [LINK_PROGRAM [ARGUMENT...]]
//
// Keeps the namespaces in which everything of a user who is not root runs, for as long as anything does: it holds their
// descriptors, and is itself outside of them, where it is nothing but a process of that user. So it can do the two
// things that nobody inside can: open sockets on the host's network, and run LINK_PROGRAM (pasta or slirp4netns), which
// carries the packets of the namespace to the outside. In its arguments "PID" after "/proc/" stands for a process that
// is in the namespaces until the program is ready.
//
// Descriptors: see protocol.hpp. It begins at once, says "ok" on descriptor 1, and ends when nobody is connected and no
// process is in the user namespace. Only libc and no allocation: the program must fit into a few pages.
//
// All of it is done by a child. If that is killed, its parent makes another, which has the same door; if the parent is
// killed, the child takes its place. Whoever was connected finds that the connection has ended, and connects again.
#include "place/holder/protocol.hpp"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <initializer_list>

#include "base/os/inherited.hpp"

namespace consort::place {
namespace {

constexpr int most_clients = 1000;
constexpr int linger_ms = 500;  // a command often follows another
constexpr int most_words = 40;  // of the link's program

enum class Link : unsigned char { none, starting, up, failed };

// What the next one who serves must know of the one before.
struct Shared {
  volatile bool link_up;  // written by whoever is the parent of the link's program
};

struct Holder {
  const char* path = nullptr;
  Shared* shared = nullptr;
  pid_t guard = 0;  // our parent
  char** link_argv = nullptr;
  int listener = -1;
  int signals = -1;
  int clients[most_clients];
  bool awaits_link[most_clients];
  int count = 0;
  ino_t socket_inode = 0;  // of our name; the folder may have been emptied, and another place be there
  ino_t user_namespace = 0;
  Link link = Link::none;
  pid_t link_starter = 0;  // pasta: ends when its daemon is ready. slirp4netns: says so on `link_ready`
  pid_t anchor_pid = 0;
  int anchor = -1;      // closed: the process that is inside meanwhile ends
  int link_words = -1;  // what it complains
  int link_ready = -1;  // slirp4netns
  char link_text[sizeof(Message::text)] = {};
  size_t link_text_size = 0;
};

void send_message(int socket, const Message& message, const int* fds, int count) {
  iovec part{const_cast<Message*>(&message), sizeof message};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))] = {};
  if (count > 0) {
    const size_t size = static_cast<size_t>(count) * sizeof(int);
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(size);
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(rights), fds, size);
  }
  // A client that does not read its one answer has only itself to blame.
  (void)::sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void answer(int socket, int error, const char* text) {
  Message message;
  message.kind = error == 0 && text == nullptr ? Kind::done : Kind::failed;
  message.error = error;
  if (text != nullptr) snprintf(message.text, sizeof message.text, "%s", text);
  send_message(socket, message, nullptr, 0);
}

void drop(Holder& holder, int index) {
  ::close(holder.clients[index]);
  --holder.count;
  holder.clients[index] = holder.clients[holder.count];
  holder.awaits_link[index] = holder.awaits_link[holder.count];
}

// Only this user's processes that are not in the namespace, or that are root's in it, which is the same user.
void accept_client(Holder& holder) {
  const int socket = ::accept4(holder.listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (socket < 0) return;
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
  if (!known || holder.count == most_clients) {
    ::close(socket);
    return;
  }
  Message welcome;
  const int namespaces[3] = {user_fd, mount_fd, network_fd};
  send_message(socket, welcome, namespaces, 3);
  holder.awaits_link[holder.count] = false;
  holder.clients[holder.count++] = socket;
}

int open_bound(const Message& wish) {
  const int family = wish.address.ss_family;
  if ((family != AF_INET && family != AF_INET6) || (wish.type != SOCK_STREAM && wish.type != SOCK_DGRAM) ||
      wish.address_size > sizeof wish.address) {
    errno = EINVAL;
    return -1;
  }
  const int fd = ::socket(family, wish.type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || wish.address_size == 0) return fd;
  const int on = 1;
  // As for root: network/relay/reserve_port.cpp.
  if (wish.type == SOCK_STREAM) ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&wish.address), wish.address_size) == 0 &&
      (wish.type != SOCK_STREAM || ::listen(fd, SOMAXCONN) == 0))
    return fd;
  const int saved = errno;
  ::close(fd);
  errno = saved;
  return -1;
}

constexpr int most_sockets = 64;  // that hold one port

// The sockets of one table that hold the port; of TCP those that listen.
int find_sockets(const char* table, unsigned wanted, bool stream, unsigned long* inodes, int count) {
  constexpr unsigned listening = 0x0a;
  FILE* const file = ::fopen(table, "re");
  char line[512];
  while (file != nullptr && count < most_sockets && ::fgets(line, sizeof line, file) != nullptr) {
    unsigned port = 0, state = 0;
    unsigned long inode = 0;
    const char* const format = " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*d %*d %lu";
    if (::sscanf(line, format, &port, &state, &inode) != 3 || port != wanted || (stream && state != listening))
      continue;
    inodes[count++] = inode;
  }
  if (file != nullptr) ::fclose(file);
  return count;
}

bool has_open(const char* process, const unsigned long* inodes, int count) {
  char path[300];
  snprintf(path, sizeof path, "/proc/%s/fd", process);
  DIR* const fds = ::opendir(path);
  bool found = false;
  while (const dirent* entry = fds == nullptr || found ? nullptr : ::readdir(fds)) {
    char target[64] = {};
    if (::readlinkat(::dirfd(fds), entry->d_name, target, sizeof target - 1) <= 0) continue;
    unsigned long inode = 0;
    if (::sscanf(target, "socket:[%lu]", &inode) != 1) continue;
    for (int i = 0; i < count; ++i) found = found || inodes[i] == inode;
  }
  if (fds != nullptr) ::closedir(fds);
  return found;
}

// "PID NAME", as far as this user may look: who is in a user namespace may not look at who is not.
void name_holder(const Message& wish, char* text, size_t size) {
  const bool stream = wish.type == SOCK_STREAM;
  const in_port_t port = wish.address.ss_family == AF_INET
                             ? reinterpret_cast<const sockaddr_in&>(wish.address).sin_port
                             : reinterpret_cast<const sockaddr_in6&>(wish.address).sin6_port;
  unsigned long inodes[most_sockets];
  int count = find_sockets(stream ? "/proc/self/net/tcp" : "/proc/self/net/udp", ntohs(port), stream, inodes, 0);
  count = find_sockets(stream ? "/proc/self/net/tcp6" : "/proc/self/net/udp6", ntohs(port), stream, inodes, count);
  DIR* const processes = count > 0 ? ::opendir("/proc") : nullptr;
  while (const dirent* entry = processes == nullptr ? nullptr : ::readdir(processes)) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || !has_open(entry->d_name, inodes, count)) continue;
    char path[300], name[32] = "?";
    snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
    FILE* const file = ::fopen(path, "re");
    if (file != nullptr) {
      (void)!::fscanf(file, "%31[^\n]", name);
      ::fclose(file);
    }
    snprintf(text, size, "%s %s", entry->d_name, name);
    break;
  }
  if (processes != nullptr) ::closedir(processes);
}

void bind_for(int socket, const Message& wish) {
  const int fd = open_bound(wish);
  if (fd < 0) {
    const int number = errno;
    char holder[sizeof(Message::text)] = {};
    if (number == EADDRINUSE) name_holder(wish, holder, sizeof holder);
    return answer(socket, number, holder);
  }
  Message done;
  done.kind = Kind::done;
  send_message(socket, done, &fd, 1);
  ::close(fd);
}

// --- the link to the outside

void tell_of_link(Holder& holder, int index) {
  holder.awaits_link[index] = false;
  if (holder.link == Link::up) return answer(holder.clients[index], 0, nullptr);
  const char* none = "neither pasta (package passt) nor slirp4netns is installed";
  answer(holder.clients[index], 0, holder.link_argv == nullptr ? none : holder.link_text);
}

void settle_link(Holder& holder, Link link) {
  holder.link = link;
  holder.shared->link_up = link == Link::up;
  if (holder.anchor >= 0) ::close(holder.anchor);
  holder.anchor = -1;
  for (int i = 0; i < holder.count; ++i)
    if (holder.awaits_link[i]) tell_of_link(holder, i);
}

// Our own descriptors cannot be opened by who has joined the user namespace already, so somebody inside lends a name.
// Gives the pid once it is there; -1 with errno.
pid_t start_anchor(Holder& holder) {
  int life[2], there[2];
  if (::pipe2(life, O_CLOEXEC) != 0) return -1;
  if (::pipe2(there, O_CLOEXEC) != 0) return -1;
  const pid_t pid = ::fork();
  char byte = 0;
  if (pid == 0) {
    ::close(life[1]);
    const bool inside = ::setns(user_fd, CLONE_NEWUSER) == 0 && ::setns(network_fd, CLONE_NEWNET) == 0;
    if (inside) (void)!::write(there[1], "t", 1);
    ::close(there[1]);
    (void)!::read(life[0], &byte, 1);
    _exit(0);
  }
  ::close(life[0]);
  ::close(there[1]);
  const bool inside = pid > 0 && ::read(there[0], &byte, 1) == 1;
  ::close(there[0]);
  holder.anchor = life[1];
  holder.anchor_pid = pid;
  return inside ? pid : -1;
}

// In the child. Nothing of ours is the program's affair.
[[noreturn]] void become_link(const Holder& holder, pid_t anchor, int words, int ready) {
  static char texts[most_words][128];
  char* argv[most_words + 1];
  int count = 0;
  for (; holder.link_argv[count] != nullptr && count < most_words; ++count) {
    constexpr char mark[] = "/proc/PID/";
    const char* word = holder.link_argv[count];
    const char* const found = strstr(word, mark);
    argv[count] = holder.link_argv[count];
    if (found == nullptr) continue;
    snprintf(texts[count], sizeof texts[count], "%.*s/proc/%d/%s", static_cast<int>(found - word), word, anchor,
             found + sizeof mark - 1);
    argv[count] = texts[count];
  }
  argv[count] = nullptr;
  ::dup2(words, 2);
  ::dup2(words, 1);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null >= 0) ::dup2(null, 0);
  ::dup2(ready, 3);  // slirp4netns --ready-fd=3
  ::close_range(4, ~0U, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv(argv[0], argv);
  dprintf(2, "start %s: %s\n", argv[0], strerror(errno));
  _exit(127);
}

void start_link(Holder& holder) {
  holder.link_text_size = 0;
  holder.link_text[0] = '\0';
  if (holder.link_argv == nullptr) return settle_link(holder, Link::failed);
  int words[2], ready[2];
  if (::pipe2(words, O_CLOEXEC | O_NONBLOCK) != 0) return settle_link(holder, Link::failed);
  if (::pipe2(ready, O_CLOEXEC | O_NONBLOCK) != 0) {
    ::close(words[0]);
    ::close(words[1]);
    return settle_link(holder, Link::failed);
  }
  const pid_t anchor = start_anchor(holder);
  const pid_t pid = anchor < 0 ? -1 : ::fork();
  if (pid == 0) become_link(holder, anchor, words[1], ready[1]);
  ::close(words[1]);
  ::close(ready[1]);
  holder.link_words = words[0];
  holder.link_ready = ready[0];
  holder.link_starter = pid;
  holder.link = Link::starting;
  if (pid < 0) settle_link(holder, Link::failed);
}

void hear_link(Holder& holder) {
  char part[256];
  ssize_t got;
  while ((got = ::read(holder.link_words, part, sizeof part)) > 0) {
    // The last words count: the first ones may be a report of how it is set up.
    for (ssize_t i = 0; i < got; ++i) {
      if (holder.link_text_size + 1 == sizeof holder.link_text) {
        memmove(holder.link_text, holder.link_text + 1, --holder.link_text_size);
      }
      holder.link_text[holder.link_text_size++] = part[i] == '\n' ? ' ' : part[i];
      holder.link_text[holder.link_text_size] = '\0';
    }
  }
  if (got == 0) {
    ::close(holder.link_words);
    holder.link_words = -1;
  }
}

void hear_ready(Holder& holder) {
  char byte;
  const ssize_t got = ::read(holder.link_ready, &byte, 1);
  if (got < 0) return;
  ::close(holder.link_ready);
  holder.link_ready = -1;
  if (got == 1 && holder.link == Link::starting) settle_link(holder, Link::up);
}

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
      settle_link(holder, Link::none);  // pasta's daemon has died: the next one who asks gets a new one
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

// --- the end

// A process in the namespace itself. Those of containers in namespaces below it have a keeper that is in it.
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
    // The link's own program serves the others, and nobody else.
    snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
    FILE* const file = ::fopen(path, "re");
    int parent = 0;
    if (file != nullptr) {
      (void)!::fscanf(file, "%*d (%*[^)]) %*c %d", &parent);
      ::fclose(file);
    }
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

// False: over.
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

// Until nothing is in the place any more; false: until the guard is gone.
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

// Whether the one who serves came to the end of his work.
bool watch_over(Holder& holder, pid_t server, const sigset_t& watched) {
  while (true) {
    int status = 0;
    pid_t pid;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (pid == server) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
      holder.shared->link_up = false;  // whoever served before has started it
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
      continue;  // the guard's place is ours now
    }
    if (pid < 0) {  // a limit: then without a guard
      while (!serve(holder, ::getppid())) {
      }
      return;
    }
    if (watch_over(holder, pid, watched)) return;
    ::clock_gettime(CLOCK_MONOTONIC, &ended);
    if (ended.tv_sec - began.tv_sec < 2) ::poll(nullptr, 0, 100);  // what ends at once shall not do so all the time
  }
}

// From its folder, since the whole path may be longer than such a name can be.
int listen_at(const char* path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const char* const last = strrchr(path, '/');
  if (last == nullptr || strlen(last) > sizeof name.sun_path) {
    errno = EINVAL;
    return -1;
  }
  strcpy(name.sun_path, last + 1);
  char folder[PATH_MAX];
  snprintf(folder, sizeof folder, "%.*s", static_cast<int>(last - path), path);
  if (::chdir(folder) != 0) return -1;
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
  // Whoever is on the way finds the door closed, and makes a new place once the lock, held by descriptor 6, is free.
  if (::lstat(holder.path, &named) == 0 && named.st_ino == holder.socket_inode) ::unlink(holder.path);
  end_children();
  return 0;
}

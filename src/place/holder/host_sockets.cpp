// consort-place: sockets on the host's network, and the holder of a port that is taken.
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "place/holder/holder.hpp"

namespace consort::place {
namespace {

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

// The sockets in one table that hold the port; for TCP, those that listen.
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

// "PID NAME", as far as this user may inspect it: a process in a user namespace cannot inspect one outside.
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

}  // namespace

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

}  // namespace consort::place

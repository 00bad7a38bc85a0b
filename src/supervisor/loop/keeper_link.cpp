#include "supervisor/loop/keeper_link.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>

#include "base/os/sockets/unix_socket.hpp"

namespace consort::supervisor {
namespace {

struct FromKeeper {
  keeper::Message message;
  Fd fd;
};

// nullopt: nothing to read. Code::not_found: the keeper has closed its end.
Result<std::optional<FromKeeper>> receive_one(int socket, int flags) {
  FromKeeper got;
  iovec part{&got.message, sizeof got.message};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t size;
  do size = ::recvmsg(socket, &header, flags | MSG_CMSG_CLOEXEC);
  while (size < 0 && errno == EINTR);
  if (size < 0 && errno == EAGAIN) return std::optional<FromKeeper>{};
  if (size < 0 && errno != ECONNRESET) return fail_errno("hear the keeper");
  if (size <= 0) return fail(Error(Code::not_found, "hear the keeper").why("it has ended"));
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    int fd;
    std::memcpy(&fd, CMSG_DATA(c), sizeof fd);
    got.fd.reset(fd);
  }
  if (size != sizeof got.message || got.message.version != keeper::protocol_version)
    return fail(Error(Code::invalid, "hear the keeper").why("it speaks another version of our protocol"));
  got.message.name[sizeof got.message.name - 1] = '\0';
  return std::optional<FromKeeper>(std::move(got));
}

}  // namespace

Result<KeeperLink::Inheritance> KeeperLink::inherit() {
  Inheritance all;
  while (true) {
    auto got = TRY(receive_one(socket_.get(), 0));
    if (!got) continue;
    switch (got->message.kind) {
      case keeper::Kind::stored:
        all.descriptors[got->message.name] = std::move(got->fd);
        break;
      case keeper::Kind::exited:
        all.exits.push_back({got->message.pid, got->message.status});
        break;
      case keeper::Kind::restored:
        all.generation = got->message.status;
        return all;
      default:
        break;
    }
  }
}

Result<std::optional<KeptExit>> KeeperLink::receive() {
  while (true) {
    const auto got = TRY(receive_one(socket_.get(), MSG_DONTWAIT));
    if (!got) return std::nullopt;
    if (got->message.kind == keeper::Kind::exited) return KeptExit{got->message.pid, got->message.status};
  }
}

void KeeperLink::send(keeper::Kind kind, std::string_view name, pid_t pid, int fd) {
  keeper::Message message;
  message.kind = kind;
  message.pid = pid;
  std::ranges::copy(name.substr(0, sizeof message.name - 1), message.name);
  const std::string_view bytes(reinterpret_cast<const char*>(&message), sizeof message);
  const std::span<const int> fds = fd >= 0 ? std::span<const int>(&fd, 1) : std::span<const int>();
  (void)send_message(socket_.get(), bytes, fds);
}

void KeeperLink::put(const std::string& name, int fd) {
  send(keeper::Kind::put, name, 0, fd);
}
void KeeperLink::remove(const std::string& name_or_prefix) {
  send(keeper::Kind::remove, name_or_prefix, 0, -1);
}
void KeeperLink::acknowledge(pid_t pid) {
  send(keeper::Kind::acknowledge, {}, pid, -1);
}
void KeeperLink::ready() {
  send(keeper::Kind::ready, {}, 0, -1);
}
void KeeperLink::finished() {
  send(keeper::Kind::finished, {}, 0, -1);
}

}  // namespace consort::supervisor

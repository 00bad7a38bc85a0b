#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "base/os/files/file.hpp"
#include "base/os/sockets/unix_socket.hpp"
#include "place/holder/protocol.hpp"
#include "place/paths.hpp"
#include "place/place.hpp"

namespace consort::place {

namespace {

Error not_there() {
  return Error(Code::lost, "talk to consort-place")
      .why("the process that keeps this user's namespaces has exited")
      .hint("stop all projects (`down`), and start them again");
}

}  // namespace

Result<Answer> receive_answer(int socket, std::chrono::milliseconds patience) {
  pollfd wait{socket, POLLIN, 0};
  int got;
  do got = ::poll(&wait, 1, static_cast<int>(patience.count()));
  while (got < 0 && errno == EINTR);
  if (got == 0) return fail(Error(Code::busy, "talk to consort-place").why("it does not answer"));
  Answer answer;
  Message message;
  iovec part{&message, sizeof message};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))];
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t size;
  do size = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  while (size < 0 && errno == EINTR);
  for (cmsghdr* c = size < 0 ? nullptr : CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
      int fd;
      ::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
      answer.fds.emplace_back(fd);
    }
  }
  if (size != static_cast<ssize_t>(sizeof message)) return fail(not_there());
  if (message.version != protocol_version)
    return fail(Error(Code::unsupported, "talk to consort-place")
                    .why("it belongs to another version of Consort")
                    .hint("stop all projects (`down`), and start them again"));
  answer.kind = message.kind;
  answer.error = message.error;
  answer.text.assign(message.text, ::strnlen(message.text, sizeof message.text));
  return answer;
}

std::string socket_path(const Roots& roots) {
  return roots.run + "/place.sock";
}

std::string lock_path(const Roots& roots) {
  return roots.run + "/place.lock";
}

Result<std::optional<Welcome>> connect_to(const Roots& roots) {
  Result<Fd> socket = connect_unix(socket_path(roots));
  if (!socket) {
    const int number = socket.error().sys_errno();
    if (number == ENOENT || number == ECONNREFUSED || number == ENOTDIR) return std::optional<Welcome>();
    return fail(std::move(socket).error());
  }
  Result<Answer> answer = receive_answer(socket->get(), answer_patience);
  if (!answer && answer.error().code() == Code::lost) return std::optional<Welcome>();  // the holder was about to end
  if (!answer) return fail(std::move(answer).error());
  if (answer->kind != Kind::welcome || answer->fds.size() != 3) return fail(Code::internal, "talk to consort-place");
  return std::optional<Welcome>(
      {std::move(*socket), std::move(answer->fds[0]), std::move(answer->fds[1]), std::move(answer->fds[2])});
}

Result<Place> Place::connect(const Roots& roots) {
  Place place;
  std::optional<Welcome> welcome = TRY(connect_to(roots));
  if (!welcome) return place;
  place.socket_ = std::move(welcome->socket);
  place.network_ = std::move(welcome->network);
  place.roots_ = roots;
  return place;
}

pid_t Place::keeper() const {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

Result<> Place::enter_network() const {
  if (::setns(network_.get(), CLONE_NEWNET) != 0) return fail_errno("enter network namespace");
  return {};
}

// The same place, kept by another process. A new place would be useless to processes that run in the old one.
Result<> Place::connect_again() const {
  std::optional<Welcome> welcome = TRY(connect_to(roots_));
  struct stat now {
  }, before{};
  const bool same = welcome && ::fstat(welcome->network.get(), &now) == 0 && ::fstat(network_.get(), &before) == 0 &&
                    now.st_ino == before.st_ino;
  if (!same) return fail(not_there());
  socket_ = std::move(welcome->socket);
  return {};
}

Result<Answer> Place::ask(const Message& wish, std::chrono::milliseconds patience) const {
  const auto once = [&]() -> Result<Answer> {
    ssize_t put;
    do put = ::send(socket_.get(), &wish, sizeof wish, MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    if (put != static_cast<ssize_t>(sizeof wish)) return fail(not_there());
    return receive_answer(socket_.get(), patience);
  };
  Result<Answer> answer = once();
  if (answer || answer.error().code() != Code::lost) return answer;
  TRY(connect_again());
  return once();
}

Result<> Place::link() const {
  if (!*this) return {};
  Message wish;
  wish.kind = Kind::link;
  const Answer answer = TRY(ask(wish, link_patience));
  if (answer.kind == Kind::done) return {};
  return fail(Error(Code::unsupported, "connect containers to the outside").why(answer.text).hint(link_hint()));
}

Result<Fd> Place::open_socket(int family, int type, const void* name, socklen_t size) const {
  Message wish;
  wish.kind = Kind::bind;
  wish.type = type;
  wish.address.ss_family = static_cast<sa_family_t>(family);
  wish.address_size = size;
  if (name) ::memcpy(&wish.address, name, std::min<std::size_t>(size, sizeof wish.address));
  Answer answer = TRY(ask(wish, answer_patience));
  if (answer.kind == Kind::done && answer.fds.size() == 1) return std::move(answer.fds.front());
  if (answer.error != 0 && !answer.text.empty())
    return fail(errno_error(answer.error, "bind").about(Subject::program, answer.text));
  if (answer.error != 0) return fail_errno(answer.error, "bind");
  return fail(Code::internal, "talk to consort-place");
}

}  // namespace consort::place

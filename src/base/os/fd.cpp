#include "base/os/fd.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/limit_text.hpp"

namespace consort {

void Fd::reset(int fd) {
  if (fd_ >= 0) {
    const int saved = errno;
    ::close(fd_);
    errno = saved;
  }
  fd_ = fd;
}

Result<Pipe> make_pipe(int flags) {
  int ends[2];
  if (::pipe2(ends, flags | O_CLOEXEC) != 0) return fail_errno("create pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<std::pair<Fd, Fd>> make_socket_pair(int type) {
  int ends[2];
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("create socket pair");
  return std::pair{Fd(ends[0]), Fd(ends[1])};
}

Result<Fd> duplicate(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return fail_errno("duplicate descriptor");
  return Fd(copy);
}

Result<> set_nonblocking(int fd, bool on) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) < 0)
    return fail_errno("set descriptor flags");
  return {};
}

Result<Fd> open_file(const std::string& path, int flags, mode_t mode) {
  return open_at(AT_FDCWD, path, flags, mode);
}

Result<Fd> open_at(int dir, const std::string& path, int flags, mode_t mode) {
  int fd;
  do fd = ::openat(dir, path.c_str(), flags | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) return fail_errno("open", path);
  return Fd(fd);
}

Result<std::size_t> read_some(int fd, std::span<std::byte> into) {
  ssize_t got;
  do got = ::read(fd, into.data(), into.size());
  while (got < 0 && errno == EINTR);
  if (got < 0) return fail_errno("read");
  return static_cast<std::size_t>(got);
}

Result<std::size_t> read_full(int fd, std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const std::size_t got = TRY(read_some(fd, into.subspan(done)));
    if (got == 0) break;
    done += got;
  }
  return done;
}

Result<> write_full(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0) {
      if (errno == EINTR) continue;
      return fail_errno("write");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

Result<> write_full(int fd, std::string_view text) {
  return write_full(fd, std::as_bytes(std::span(text)));
}

Result<std::string> read_all(int fd, std::size_t limit) {
  std::string text;
  char buffer[65536];
  for (;;) {
    const std::size_t got = TRY(read_some(fd, std::as_writable_bytes(std::span(buffer))));
    if (got == 0) return text;
    if (text.size() + got > limit)
      return fail(Error(Code::invalid, "read").why("larger than the limit of " + limit_text(limit)));
    text.append(buffer, got);
  }
}

}  // namespace consort

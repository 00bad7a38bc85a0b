#include "base/os/patient_write.hpp"

#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace consort {

namespace {

constexpr int between_questions_ms = 50;

}  // namespace

Result<> write_patiently(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      pollfd room{fd, POLLOUT, 0};
      (void)::poll(&room, 1, -1);
    } else if (errno != EINTR) {
      return fail_errno("write");
    }
  }
  return {};
}

std::uint64_t unread_bytes(int fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0 || !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))) return 0;
  int count = 0;
  if (::ioctl(fd, S_ISFIFO(st.st_mode) ? FIONREAD : TIOCOUTQ, &count) != 0 || count < 0) return 0;
  return static_cast<std::uint64_t>(count);
}

Result<> write_patiently(int fd, std::string_view text, const std::function<bool(Reader)>& gives_up) {
  std::uint64_t unread = 0;
  while (!text.empty()) {
    pollfd room{fd, POLLOUT, 0};
    if (::poll(&room, 1, 0) <= 0) {
      const std::uint64_t before = std::exchange(unread, unread_bytes(fd));
      if (gives_up(unread < before ? Reader::takes : Reader::stands)) return fail(Code::interrupted, "write");
      (void)::poll(&room, 1, between_questions_ms);
      continue;
    }
    // If a pipe is writable, it takes this much without blocking.
    const ssize_t put = ::write(fd, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (put >= 0) {
      text.remove_prefix(static_cast<std::size_t>(put));
      (void)gives_up(Reader::takes);
    } else if (errno != EAGAIN && errno != EINTR) {
      return fail_errno("write");
    }
  }
  return {};
}

}  // namespace consort

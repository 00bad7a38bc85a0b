#include "base/os/patient_write.hpp"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

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

Result<> write_patiently(int fd, std::string_view text, const std::function<bool(Reader)>& gives_up) {
  while (!text.empty()) {
    pollfd room{fd, POLLOUT, 0};
    if (::poll(&room, 1, 0) <= 0) {
      if (gives_up(Reader::stands)) return fail(Code::interrupted, "write");
      (void)::poll(&room, 1, between_questions_ms);
      continue;
    }
    // What a pipe that can be written to takes without waiting.
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

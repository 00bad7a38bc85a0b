#include "cli/relay/flow.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "base/os/patient_write.hpp"

namespace consort::cli {

namespace {

constexpr std::size_t chunk = 65536;
constexpr std::size_t splice_chunk = 1 << 20;

bool is_ready(int fd, short events) {
  pollfd state{fd, events, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & events) != 0;
}

// Reopens the file to get independent flags. A terminal must not become the controlling one.
Fd open_again(int fd, int flags) {
  auto again = open_file("/proc/self/fd/" + std::to_string(fd), flags | O_NONBLOCK | O_NOCTTY);
  return again ? std::move(*again) : Fd();
}

}  // namespace

Outlet::Outlet(int fd, Owner owner) : fd_(fd) {
  const bool terminal = ::isatty(fd) == 1;
  if (owner == Owner::us) {
    kind_ = terminal ? Kind::terminal : Kind::pipe;
    (void)set_nonblocking(fd);
    return;
  }
  struct stat st {};
  if (::fstat(fd, &st) != 0) return;
  if (S_ISSOCK(st.st_mode)) {
    kind_ = Kind::socket;
  } else if (S_ISFIFO(st.st_mode) || terminal) {
    own_ = open_again(fd, O_WRONLY);
    kind_ = !own_ ? Kind::shared_pipe_or_terminal : terminal ? Kind::terminal : Kind::pipe;
  }
}

Result<std::size_t> Outlet::put(std::string_view bytes) const {
  if (kind_ == Kind::shared_pipe_or_terminal) {
    // When poll() reports POLLOUT, a pipe has space for this much.
    if (!is_ready(fd(), POLLOUT | POLLERR)) return 0;
    bytes = bytes.substr(0, PIPE_BUF);
  }
  while (true) {
    const ssize_t written = kind_ == Kind::socket
                                ? ::send(fd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                                : ::write(fd(), bytes.data(), bytes.size());
    if (written >= 0) return static_cast<std::size_t>(written);
    if (errno == EAGAIN) return 0;
    if (errno == EIO && ::isatty(fd()) == 1) return fail_errno(EPIPE, "write");  // the terminal was hung up
    if (errno != EINTR) return fail_errno("write");
  }
}

std::uint64_t Outlet::unread() const {
  return unread_bytes(fd());
}

Result<> Outlet::write_some() {
  std::string_view rest = kept_;
  while (!rest.empty()) {
    auto written = put(rest);
    if (!written) {
      kept_.clear();
      return fail(std::move(written.error()));
    }
    if (*written == 0) break;
    rest.remove_prefix(*written);
  }
  kept_.erase(0, kept_.size() - rest.size());
  if (kept_.empty() && kept_.capacity() > 4 * chunk) kept_.shrink_to_fit();
  return {};
}

bool nobody_reads(const Error& error) {
  return error.sys_errno() == EPIPE || error.sys_errno() == ECONNRESET;
}

pollfd Flow::wanted() const {
  if (over()) return {-1, 0, 0};
  if (held_up()) return {to_.fd(), POLLOUT, 0};
  return {from_, POLLIN, 0};
}

// Moves data without copying, if both sides support it: pages go from the container's pipe to ours or into the file.
Result<Flow::Spliced> Flow::splice_some() {
  if (!splice_ || !to_.takes_splice()) return Spliced::not_possible;
  ssize_t count;
  do count = ::splice(from_, nullptr, to_.fd(), nullptr, splice_chunk, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  while (count < 0 && errno == EINTR);
  const int number = errno;
  blocked_ = false;
  if (count > 0) {
    moved_ += static_cast<std::uint64_t>(count);
  } else if (count == 0) {
    ended_ = true;
  } else if (number == EAGAIN) {
    blocked_ = is_ready(from_, POLLIN);
  } else if (number == EINVAL) {  // not a pipe, or a file opened for appending
    splice_ = false;
    return Spliced::not_possible;
  } else {
    return fail_errno(number, "write");
  }
  return Spliced::done;
}

Result<> Flow::copy_some() {
  std::array<char, chunk> buffer;
  auto got = read_some(from_, std::as_writable_bytes(std::span(buffer)));
  if (!got && got.error().sys_errno() == EAGAIN) return {};
  if (!got) {
    ended_ = failed_to_read_ = true;
    return fail(std::move(got.error()));
  }
  if (*got == 0) {
    ended_ = true;
    return {};
  }
  moved_ += *got;
  if (!filter_) {
    to_.give({buffer.data(), *got});
  } else {
    std::string bytes(buffer.data(), *got);
    if (!filter_(bytes)) ended_ = true;
    to_.give(bytes);
  }
  return to_.write_some();
}

Result<> Flow::step() {
  if (over()) return {};
  Result<> outcome = to_.write_some();
  if (outcome && !to_.waiting() && !ended_) {
    auto spliced = splice_some();
    if (!spliced)
      outcome = fail(std::move(spliced.error()));
    else if (*spliced == Spliced::not_possible)
      outcome = copy_some();
  }
  if (!outcome) ended_ = true;
  return outcome;
}

}  // namespace consort::cli

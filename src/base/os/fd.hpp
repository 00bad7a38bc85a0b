// Owner types for descriptors, and reads and writes whose names say what they retry.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"

namespace consort {

// Owns one descriptor; -1 is "none". Closes once and does not retry on EINTR: on Linux the number is already free then.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe(int flags = 0);                 // O_CLOEXEC is always added
Result<std::pair<Fd, Fd>> make_socket_pair(int type);  // AF_UNIX; SOCK_CLOEXEC is always added
Result<Fd> duplicate(int fd);                          // with CLOEXEC
Result<> set_nonblocking(int fd, bool on = true);

Result<Fd> open_file(const std::string& path, int flags, mode_t mode = 0644);  // O_CLOEXEC is always added
// The same, relative to the directory `dir` (borrowed). Like open(2), follows links unless flags say otherwise.
Result<Fd> open_at(int dir, const std::string& path, int flags, mode_t mode = 0644);

// All of these retry on EINTR. read_some returns 0 at the end of the file.
Result<std::size_t> read_some(int fd, std::span<std::byte> into);
Result<std::size_t> read_full(int fd, std::span<std::byte> into);  // fewer bytes only at the end of the file
Result<> write_full(int fd, std::span<const std::byte> bytes);
Result<> write_full(int fd, std::string_view text);
// Everything up to the end, at most `limit` bytes; more is Code::invalid.
Result<std::string> read_all(int fd, std::size_t limit);

}  // namespace consort

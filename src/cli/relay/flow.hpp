// Forwards bytes between descriptors without blocking on either one: for loops around poll(), which must also handle
// signals and the other direction.
#pragma once

#include <poll.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/os/fd.hpp"

namespace consort::cli {

// A destination that may be slow. Keeps the bytes that it could not accept yet.
class Outlet {
 public:
  enum class Owner : std::uint8_t {
    caller,  // shared with other processes, so its flags must not be changed
    us,      // made non-blocking
  };
  Outlet(int fd, Owner owner);  // fd: borrowed

  int fd() const { return own_ ? own_.get() : fd_; }
  bool waiting() const { return !kept_.empty(); }
  std::size_t kept() const { return kept_.size(); }
  std::uint64_t unread() const;  // written bytes that the reader has not read yet
  void give(std::string_view bytes) { kept_ += bytes; }
  // Writes as much as possible without waiting. See nobody_reads() for errors.
  Result<> write_some();
  // Whether splice(2) to it does not block; for a socket it would, regardless of flags.
  bool takes_splice() const { return kind_ == Kind::pipe || kind_ == Kind::file; }

 private:
  enum class Kind : std::uint8_t {
    pipe,                     // and anything else that does not block
    terminal,                 // does not block
    file,                     // waits for the disk
    socket,                   // send() has a flag for it
    shared_pipe_or_terminal,  // could not be reopened: takes PIPE_BUF bytes when poll() reports it writable
  };
  Result<std::size_t> put(std::string_view bytes) const;

  int fd_;
  Kind kind_ = Kind::file;
  Fd own_;  // the same pipe or terminal, reopened with O_NONBLOCK
  std::string kept_;
};

bool nobody_reads(const Error& error);  // the other end of the pipe was closed, or the terminal was hung up

class Flow {
 public:
  // May change bytes after they are read and before they are passed on; false ends the flow.
  using Filter = std::function<bool(std::string& bytes)>;

  // from: borrowed; read only after poll() has reported it readable. Splice only from our own pipes: pages of a
  // caller's file must not end up in a pipe that a container reads.
  enum class By : std::uint8_t { splice, copy };
  Flow(int from, Outlet to, By by) : from_(from), to_(std::move(to)), splice_(by == By::splice) {}
  void set_filter(Filter filter) { filter_ = std::move(filter); }  // for By::copy

  // What to poll for before the next step(); fd is -1 when the flow is over.
  pollfd wanted() const;
  // Moves as much as possible now. An error ends the flow; failed_to_read() tells on which side it occurred.
  Result<> step();
  // Stops reading the source; bytes already read are still delivered.
  void stop_reading() { ended_ = true; }
  bool over() const { return ended_ && !to_.waiting(); }
  bool held_up() const { return blocked_ || to_.waiting(); }  // waiting for the destination
  bool failed_to_read() const { return failed_to_read_; }
  std::size_t kept() const { return to_.kept(); }
  std::uint64_t unread() const { return to_.unread(); }
  std::uint64_t moved() const { return moved_; }

 private:
  enum class Spliced : std::uint8_t { done, not_possible };
  Result<Spliced> splice_some();
  Result<> copy_some();

  int from_;
  Outlet to_;
  Filter filter_;
  bool ended_ = false;
  bool blocked_ = false;  // the destination of a splice is full
  bool splice_;
  bool failed_to_read_ = false;
  std::uint64_t moved_ = 0;
};

}  // namespace consort::cli

// Bytes from one descriptor to another without ever waiting for either of them: for loops around poll(), which must
// hear signals and the other direction meanwhile.
#pragma once

#include <poll.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/os/fd.hpp"

namespace consort::cli {

// Where bytes go that may be slow to take them. What it could not take yet is kept here.
class Outlet {
 public:
  enum class Owner : std::uint8_t {
    caller,  // others write to it as well, so that its flags are not ours to change
    us,      // made non-blocking
  };
  Outlet(int fd, Owner owner);  // fd: borrowed

  int fd() const { return own_ ? own_.get() : fd_; }
  bool waiting() const { return !kept_.empty(); }
  std::size_t kept() const { return kept_.size(); }
  std::uint64_t unread() const;  // of what was written: what its reader has not taken yet
  void give(std::string_view bytes) { kept_ += bytes; }
  // Writes what is taken without waiting. See nobody_reads() for an error.
  Result<> write_some();
  // splice(2) into it does not wait either; into a socket it would, whatever its flags.
  bool takes_splice() const { return kind_ == Kind::pipe || kind_ == Kind::file; }

 private:
  enum class Kind : std::uint8_t {
    pipe,                     // and what else does not block
    terminal,                 // does not block
    file,                     // a disk is waited for
    socket,                   // send() has a flag for it
    shared_pipe_or_terminal,  // could not be opened a second time: takes PIPE_BUF bytes when poll() says so
  };
  Result<std::size_t> put(std::string_view bytes) const;

  int fd_;
  Kind kind_ = Kind::file;
  Fd own_;  // the same pipe or terminal, opened again for O_NONBLOCK
  std::string kept_;
};

bool nobody_reads(const Error& error);  // the other end of the pipe was closed, the terminal was hung up

class Flow {
 public:
  // May change what has been read before it is passed on; false ends the flow.
  using Filter = std::function<bool(std::string& bytes)>;

  // from: borrowed; read only when poll() has said that there is something. Spliced if it is a pipe of ours: pages of a
  // caller's file must not come to lie in a pipe that a container reads.
  enum class By : std::uint8_t { splice, copy };
  Flow(int from, Outlet to, By by) : from_(from), to_(std::move(to)), splice_(by == By::splice) {}
  void set_filter(Filter filter) { filter_ = std::move(filter); }  // of a flow by copy

  // What to wait for before the next step(); fd -1 when it is over.
  pollfd wanted() const;
  // Moves what can be moved now. An error ends the flow; failed_to_read() says on which side.
  Result<> step();
  // The source is not read any more; what was read of it still goes on its way.
  void stop_reading() { ended_ = true; }
  bool over() const { return ended_ && !to_.waiting(); }
  bool held_up() const { return blocked_ || to_.waiting(); }  // by whoever takes the bytes
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
  bool blocked_ = false;  // the other end of a splice is full
  bool splice_;
  bool failed_to_read_ = false;
  std::uint64_t moved_ = 0;
};

}  // namespace consort::cli

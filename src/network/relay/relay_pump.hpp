// One direction of a relayed connection: bytes from one socket through a pipe to the other.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/os/fd.hpp"

namespace consort {

class Pump {
 public:
  enum class Outcome : std::uint8_t {
    going,
    source_died,  // a reset: what had come before it is in the pipe or still to be read, nothing more will come
    sink_died,    // nobody takes what is in the pipe
  };

  Pump() = default;
  Pump(int from, int to) : from_(from), to_(to) {}
  // With the bytes that a predecessor's pipe holds.
  static Result<Pump> resume(int from, int to, Pipe pipe);

  // Moves what can be moved at once, up to a megabyte: then others get their turn.
  Outcome run();
  // The sink takes nothing any more: what is on its way is lost, as it would be on a wire.
  void drop();
  // The other end is told of an orderly end only.
  void forbid_shutdown() { shut_ = true; }

  bool over() const { return ended_ && pending_ == 0; }  // nothing will move here again
  bool wants_read() const { return !ended_ && pending_ == 0; }
  bool wants_write() const { return pending_ != 0; }
  // The pipe is made with the first byte, or here: an idle connection costs two descriptors, not six.
  Result<> ensure_pipe();
  const Pipe& pipe() const { return pipe_; }

 private:
  Outcome fill();
  Outcome drain();

  int from_ = -1;
  int to_ = -1;
  Pipe pipe_;
  std::size_t pending_ = 0;
  bool ended_ = false;  // nothing more to read
  bool shut_ = false;   // told the receiver so
};

}  // namespace consort

// One direction of a relayed connection: moves bytes from one socket through a pipe to the other.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/os/fd.hpp"

namespace consort {

class Pump {
 public:
  enum class Outcome : std::uint8_t {
    going,
    source_died,  // reset: earlier bytes are in the pipe or still readable, no more will come
    sink_died,    // nobody reads what is in the pipe
  };

  Pump() = default;
  Pump(int from, int to) : from_(from), to_(to) {}
  // Continues with the bytes in a predecessor's pipe.
  static Result<Pump> resume(int from, int to, Pipe pipe);

  // Moves what is available, up to a megabyte, so that others get their turn.
  Outcome run();
  // The sink accepts no more: bytes in transit are lost, as they would be on the wire.
  void drop();
  // Prevents a FIN to the other end, which may only follow an orderly end.
  void forbid_shutdown() { shut_ = true; }

  bool over() const { return ended_ && pending_ == 0; }  // nothing more will move here
  bool wants_read() const { return !ended_ && pending_ == 0; }
  bool wants_write() const { return pending_ != 0; }
  // The pipe is created with the first byte, or here, so that an idle connection costs two descriptors, not six.
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
  bool shut_ = false;   // the end was passed to the receiver
};

}  // namespace consort

// A connection that has become a stream to and from a process: what attach and exec have in common.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/detach_keys.hpp"
#include "base/os/fd.hpp"
#include "serve/http/connection.hpp"

namespace consort::serve {

enum class StreamKind : std::uint8_t { input, out, err };

// Without a terminal: 8 bytes (the stream's number, its length) before each piece. With one: as it is.
std::string frame_head(StreamKind stream, std::size_t size);

class Hijacked {
 public:
  enum class Framing : std::uint8_t { framed, raw };
  Hijacked(http::Connection::Raw raw, Framing framing) : raw_(std::move(raw)), framing_(framing) {}

  int fd() const { return raw_.socket.get(); }
  Result<> write(StreamKind stream, std::string_view bytes);  // waits for the client; Code::io: it has gone
  bool gone() const;                                          // closed, and not only to writing
  std::string take_early() { return std::exchange(raw_.early, {}); }
  void finish();  // the client sees the end

 private:
  http::Connection::Raw raw_;
  Framing framing_;
};

// What the client types or sends, on its way to a process, on a thread of its own: a process that does not read must
// not keep its own output back.
class InputPump {
 public:
  struct Ends {
    Fd target;                                // the writer of a pipe, or a terminal; made non-blocking
    std::function<void(Fd target)> at_end{};  // the client has closed its side: what becomes of the target
  };
  InputPump(Hijacked& client, Ends ends, std::optional<DetachKeys> keys);
  ~InputPump();  // stops it
  InputPump(const InputPump&) = delete;
  InputPump& operator=(const InputPump&) = delete;

  int left_fd() const { return left_.get(); }  // readable once the session is over for the client: it has detached
  bool left() const { return detached_; }

 private:
  void run();
  bool wait_for(int fd, short events) const;  // false: it is to stop
  bool pass_on(std::string text);             // false: likewise, or nobody reads it any more
  void leave();

  Hijacked& client_;
  Ends ends_;
  std::optional<DetachKeys> keys_;
  Fd stop_, left_;  // eventfds
  std::atomic<bool> detached_ = false;
  std::thread thread_;
};

}  // namespace consort::serve

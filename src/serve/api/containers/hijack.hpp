// A connection that has become a stream to and from a process, for attach and exec.
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

// Without a terminal: 8 bytes (stream number, length) before each piece. With one: nothing.
std::string frame_head(StreamKind stream, std::size_t size);

class Hijacked {
 public:
  enum class Framing : std::uint8_t { framed, raw };
  Hijacked(http::Connection::Raw raw, Framing framing) : raw_(std::move(raw)), framing_(framing) {}

  int fd() const { return raw_.socket.get(); }
  Result<> write(StreamKind stream, std::string_view bytes);  // waits for the client; Code::io: it has disconnected
  bool gone() const;                                          // fully closed, not only for writing
  std::string take_early() { return std::exchange(raw_.early, {}); }
  void finish();  // shows the client the end

 private:
  http::Connection::Raw raw_;
  Framing framing_;
};

// Passes the client's input to a process, in a thread of its own, so that a process that does not read its input does
// not block its output.
class InputPump {
 public:
  struct Ends {
    Fd target;                                // a pipe's writing end, or a terminal; made non-blocking
    std::function<void(Fd target)> at_end{};  // the client has closed its side: what to do with the target
  };
  InputPump(Hijacked& client, Ends ends, std::optional<DetachKeys> keys);
  ~InputPump();  // stops it
  InputPump(const InputPump&) = delete;
  InputPump& operator=(const InputPump&) = delete;

  int left_fd() const { return left_.get(); }  // readable once the client has detached
  bool left() const { return detached_; }

 private:
  void run();
  bool wait_for(int fd, short events) const;  // false: it must stop
  bool pass_on(std::string text);             // false: it must stop, or nobody reads it any more
  void leave();

  Hijacked& client_;
  Ends ends_;
  std::optional<DetachKeys> keys_;
  Fd stop_, left_;  // eventfds
  std::atomic<bool> detached_ = false;
  std::thread thread_;
};

}  // namespace consort::serve

// Several streams in one WebSocket, as Kubernetes has them for exec, attach and port-forward (v5 and
// v4.channel.k8s.io): the first byte of a message is its stream's number.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/websocket.hpp"
#include "image/connection.hpp"

namespace consort::kube {

// Messages of a server, out of its frames. Pure.
class FrameReader {
 public:
  enum class Kind : std::uint8_t { message, ping, closed };
  struct Frame {
    Kind kind = Kind::message;
    std::string payload;
  };
  void feed(std::string_view bytes) { buffer_ += bytes; }
  // The next whole message; nullopt: more bytes are needed. Code::invalid for what is no frame, or too long.
  Result<std::optional<Frame>> next();

 private:
  std::string buffer_;
  std::string fragments_;  // of a message that comes in several frames
};

class Channels {
 public:
  static constexpr std::uint8_t input = 0, output = 1, errors = 2, status = 3, resize = 4;

  struct Message {
    std::uint8_t channel = 0;
    std::string payload;
  };

  // Greets the server over the connection. head: the request's first line and headers, without those of WebSockets.
  static Result<Channels> greet(image::Connection connection, const std::string& head);

  // What to wait for, in poll()'s words.
  int fd() const { return connection_.fd(); }
  short events() const;
  // All that is there now; what could not be sent yet goes on. Look at it before waiting for fd().
  Result<std::vector<Message>> receive();
  bool closed() const { return closed_; }
  // Does not wait: who has too much to say until it is gone may have to listen first. As long as the channels are busy,
  // nothing more is to be sent but what must be said.
  Result<> send(std::uint8_t channel, std::string_view payload);
  bool busy() const { return !unsent_.empty(); }
  // Says that no more comes on a stream, if the server understands that (v5), or what reads it there does.
  Result<> finish(std::uint8_t channel);
  // Input goes in pieces that say how long they are, to a reader in the container; the last one has no bytes.
  void count_input() { counted_ = true; }

 private:
  explicit Channels(image::Connection connection) : connection_(std::move(connection)) {}
  Result<> take(std::vector<Message>& into);
  Result<> push(std::string frame);

  image::Connection connection_;
  FrameReader frames_;
  std::string unsent_;
  bool closed_ = false;
  bool knows_ends_ = false;
  bool counted_ = false;
};

// What a command in a container came to, from the message on the status channel: its exit code.
Result<int> exit_code_of(std::string_view status);

}  // namespace consort::kube

// Several streams in one WebSocket, as Kubernetes uses them for exec, attach and port-forward (v5 and
// v4.channel.k8s.io): the first byte of a message is the number of its stream.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/websocket.hpp"
#include "image/connection.hpp"

namespace consort::kube {

// Extracts messages from the frames of a server. Pure.
class FrameReader {
 public:
  enum class Kind : std::uint8_t { message, ping, closed };
  struct Frame {
    Kind kind = Kind::message;
    std::string payload;
  };
  void feed(std::string_view bytes) { buffer_ += bytes; }
  // The next complete message; nullopt: more bytes are needed. Code::invalid for a malformed or too long frame.
  Result<std::optional<Frame>> next();

 private:
  std::string buffer_;
  std::string fragments_;  // of a message that is split into several frames
};

class Channels {
 public:
  static constexpr std::uint8_t input = 0, output = 1, errors = 2, status = 3, resize = 4;

  struct Message {
    std::uint8_t channel = 0;
    std::string payload;
  };

  // Performs the handshake on the connection. head: the request line and headers, except those of WebSocket.
  static Result<Channels> greet(image::Connection connection, const std::string& head);

  // The events to wait for, as for poll().
  int fd() const { return connection_.fd(); }
  short events() const;
  // Receives what has arrived and continues sending what is still unsent. Look at its result before waiting for fd().
  Result<std::vector<Message>> receive();
  bool closed() const { return closed_; }
  // Does not wait, since a caller with much to send may have to receive first. While busy() is true, send only what is
  // unavoidable.
  Result<> send(std::uint8_t channel, std::string_view payload);
  bool busy() const { return !unsent_.empty(); }
  // Signals the end of a stream: to the server if it supports that (v5), else to the reader in the container.
  Result<> finish(std::uint8_t channel);
  // Sends input in chunks with a length, for a reader in the container; the last chunk is empty.
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

// The exit code of a command in a container, from the message on the status channel.
Result<int> exit_code_of(std::string_view status);

}  // namespace consort::kube

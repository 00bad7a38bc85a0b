// WebSockets (RFC 6455), which web pages use to attach to containers: a connection that carries bytes in frames.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/os/fd.hpp"
#include "base/websocket.hpp"
#include "serve/http/connection.hpp"

namespace consort::serve::http {

// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string websocket_accept(std::string_view key);

// Extracts the data from a client's frames.
class WebSocketInput {
 public:
  struct Taken {
    std::string bytes;  // of messages
    std::string reply;  // frames to send back: pongs
    bool closed = false;
  };
  // Code::invalid: malformed frames. Nothing may be passed after that or after the end.
  Result<Taken> feed(std::string_view bytes);

 private:
  Result<bool> begin_frame();  // false: its head is incomplete
  void take_payload(Taken& taken);
  void end_frame(Taken& taken);

  std::string waiting_;
  bool in_frame_ = false;
  websocket::FrameHead head_;  // of the current frame
  std::uint64_t left_ = 0;     // of its payload
  std::uint64_t position_ = 0;
  std::string control_;  // payload of a control frame
};

// Translates between a client that sends frames and a reader of plain bytes, in a thread of its own. It ends when
// either side ends.
class WebSocketRelay {
 public:
  static Result<std::unique_ptr<WebSocketRelay>> begin(Connection::Raw client);
  ~WebSocketRelay();  // waits for what is in transit
  WebSocketRelay(const WebSocketRelay&) = delete;
  WebSocketRelay& operator=(const WebSocketRelay&) = delete;

  // The other end: bytes, half-close and end as on a socket. Call it once.
  Connection::Raw take_plain() { return {.socket = std::move(plain_), .early = {}}; }

 private:
  WebSocketRelay(Connection::Raw client, std::pair<Fd, Fd> pair);
  void run();
  // These return false at the end.
  bool pass_in(std::string_view bytes);
  bool pass_out();
  void push();  // sends what has arrived but was not accepted yet

  Fd client_, inner_, plain_;
  WebSocketInput input_;
  std::string early_;
  std::string pending_;  // for a slow reader: no more is read from the client meanwhile
  std::thread thread_;
};

}  // namespace consort::serve::http

// WebSockets (RFC 6455), as web pages attach to containers: a connection on which bytes travel in frames.
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

// What a client sends, taken out of its frames.
class WebSocketInput {
 public:
  struct Taken {
    std::string bytes;  // of messages
    std::string reply;  // frames that must go back: pongs
    bool closed = false;
  };
  // Code::invalid: these are no frames of a client. After that, and after the end, nothing may be fed any more.
  Result<Taken> feed(std::string_view bytes);

 private:
  Result<bool> begin_frame();  // false: its head is not whole yet
  void take_payload(Taken& taken);
  void end_frame(Taken& taken);

  std::string waiting_;
  bool in_frame_ = false;
  websocket::FrameHead head_;  // of the frame that has begun
  std::uint64_t left_ = 0;     // of its payload
  std::uint64_t position_ = 0;
  std::string control_;  // payload of a control frame
};

// Between a client that speaks in frames and somebody who wants plain bytes, on a thread of its own. It ends with
// either side.
class WebSocketRelay {
 public:
  static Result<std::unique_ptr<WebSocketRelay>> begin(Connection::Raw client);
  ~WebSocketRelay();  // waits for what is still on its way
  WebSocketRelay(const WebSocketRelay&) = delete;
  WebSocketRelay& operator=(const WebSocketRelay&) = delete;

  // The other end: bytes, half-close and end as on a socket. Once.
  Connection::Raw take_plain() { return {.socket = std::move(plain_), .early = {}}; }

 private:
  WebSocketRelay(Connection::Raw client, std::pair<Fd, Fd> pair);
  void run();
  // These give false when it is over.
  bool pass_in(std::string_view bytes);
  bool pass_out();
  void push();  // what has come and was not taken yet

  Fd client_, inner_, plain_;
  WebSocketInput input_;
  std::string early_;
  std::string pending_;  // for whoever reads slowly: no more is taken from the client meanwhile
  std::thread thread_;
};

}  // namespace consort::serve::http

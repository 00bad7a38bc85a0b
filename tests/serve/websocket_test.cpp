// Frames of websockets, and the relay behind them.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "serve/http/websocket.hpp"

namespace consort::serve::http {
namespace {

// A client's frame: masked.
std::string from_client(websocket::Opcode opcode, std::string_view payload) {
  std::string frame = websocket::make_frame(opcode, payload);
  frame[1] = static_cast<char>(static_cast<unsigned char>(frame[1]) | 0x80U);
  const std::string mask = "\x01\x02\x03\x04";
  frame.insert(frame.size() - payload.size(), mask);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    char& byte = frame[frame.size() - payload.size() + i];
    byte = static_cast<char>(byte ^ mask[i % 4]);
  }
  return frame;
}

TEST(WebSocket, TheAnswerToAKeyIsThatOfTheStandard) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");  // RFC 6455, 1.3
}

TEST(WebSocket, FramesInPiecesGiveTheirBytesAndPongs) {
  const std::string bytes = from_client(websocket::Opcode::text, std::string(300, 'a')) +
                            from_client(websocket::Opcode::ping, "p") + from_client(websocket::Opcode::more, "b") +
                            from_client(websocket::Opcode::close, "\x03\xe8");
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
    WebSocketInput input;
    WebSocketInput::Taken all;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      const auto taken = input.feed(std::string_view(bytes).substr(at, piece));
      ASSERT_TRUE(taken);
      all.bytes += taken->bytes;
      all.reply += taken->reply;
      all.closed = all.closed || taken->closed;
    }
    EXPECT_EQ(all.bytes, std::string(300, 'a') + "b");
    EXPECT_EQ(all.reply, websocket::make_frame(websocket::Opcode::pong, "p") +
                             websocket::make_frame(websocket::Opcode::close, "\x03\xe8"));
    EXPECT_TRUE(all.closed);
  }
}

TEST(WebSocket, WhatIsNoFrameOfAClientEndsIt) {
  EXPECT_FALSE(WebSocketInput().feed(websocket::make_frame(websocket::Opcode::text, "unmasked")));
  EXPECT_FALSE(WebSocketInput().feed(from_client(static_cast<websocket::Opcode>(5), "x")));
  EXPECT_FALSE(WebSocketInput().feed(from_client(websocket::Opcode::ping, std::string(126, 'x'))));
}

TEST(WebSocket, TheRelayCarriesBothWaysAndEndsWithEither) {
  auto pair = make_socket_pair(SOCK_STREAM);
  ASSERT_TRUE(pair);
  auto relay =
      WebSocketRelay::begin({.socket = std::move(pair->second), .early = from_client(websocket::Opcode::text, "in")});
  ASSERT_TRUE(relay);
  Connection::Raw plain = (*relay)->take_plain();
  std::string text(2, '\0');
  ASSERT_TRUE(read_full(plain.socket.get(), std::as_writable_bytes(std::span(text))));
  EXPECT_EQ(text, "in");
  ASSERT_TRUE(write_full(plain.socket.get(), "out"));
  plain.socket.reset();
  EXPECT_EQ(read_all(pair->first.get(), 100), websocket::make_frame(websocket::Opcode::binary, "out") +
                                                  websocket::make_frame(websocket::Opcode::close, "\x03\xe8"));
}

}  // namespace
}  // namespace consort::serve::http

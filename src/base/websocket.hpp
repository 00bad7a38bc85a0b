// WebSocket frames (RFC 6455, section 5.2), for either side of a connection. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort::websocket {

enum class Opcode : std::uint8_t { more = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };
constexpr bool is_control(Opcode opcode) {
  return opcode >= Opcode::close;
}

enum class Sender : std::uint8_t { client, server };  // a client's frames are masked, a server's are not

struct FrameHead {
  bool final = false;  // the last frame of its message
  Opcode opcode = Opcode::more;
  std::size_t size = 0;  // of this header itself
  std::uint64_t payload = 0;
  std::string mask;  // four bytes, or empty
};
// nullopt: the header is incomplete. Code::invalid: not a valid frame from that sender.
Result<std::optional<FrameHead>> read_frame_head(std::string_view bytes, Sender sender);

// A whole message in one frame. mask: for a client's frames.
std::string make_frame(Opcode opcode, std::string_view payload, std::optional<std::uint32_t> mask = {});

}  // namespace consort::websocket

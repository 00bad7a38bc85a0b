#include "base/websocket.hpp"

namespace consort::websocket {

namespace {

constexpr std::size_t longest_control = 125, mask_size = 4;
constexpr unsigned two_bytes_follow = 126, eight_bytes_follow = 127;

bool is_known(unsigned opcode) {
  return opcode <= static_cast<unsigned>(Opcode::binary) ||
         (opcode >= static_cast<unsigned>(Opcode::close) && opcode <= static_cast<unsigned>(Opcode::pong));
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

void append_big_endian(std::string& to, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = bytes; i-- > 0;) to += static_cast<char>(value >> (8 * i) & 0xff);
}

}  // namespace

Result<std::optional<FrameHead>> read_frame_head(std::string_view bytes, Sender sender) {
  if (bytes.size() < 2) return std::nullopt;
  const auto first = static_cast<unsigned char>(bytes[0]), second = static_cast<unsigned char>(bytes[1]);
  const bool masked = (second & 0x80U) != 0;
  const auto malformed = [] { return fail(Code::invalid, "malformed frame of a websocket"); };
  if ((first & 0x70U) != 0 || !is_known(first & 0x0fU) || masked != (sender == Sender::client)) return malformed();
  FrameHead head{.final = (first & 0x80U) != 0, .opcode = static_cast<Opcode>(first & 0x0fU)};
  const unsigned length = second & 0x7fU;
  const std::size_t digits = length == two_bytes_follow ? 2 : length == eight_bytes_follow ? 8 : 0;
  head.size = 2 + digits + (masked ? mask_size : 0);
  if (bytes.size() < head.size) return std::nullopt;
  head.payload = digits == 0 ? length : big_endian(bytes.substr(2, digits));
  if (is_control(head.opcode) && (head.payload > longest_control || !head.final)) return malformed();
  if (masked) head.mask = bytes.substr(2 + digits, mask_size);
  return head;
}

std::string make_frame(Opcode opcode, std::string_view payload, std::optional<std::uint32_t> mask) {
  constexpr std::size_t most_in_a_byte = 125, most_in_two = 0xffff;
  std::string frame(1, static_cast<char>(0x80U | static_cast<unsigned>(opcode)));
  const std::size_t digits = payload.size() <= most_in_a_byte ? 0 : payload.size() <= most_in_two ? 2 : 8;
  const std::size_t length = digits == 0 ? payload.size() : digits == 2 ? two_bytes_follow : eight_bytes_follow;
  frame += static_cast<char>((mask ? 0x80U : 0U) | length);
  append_big_endian(frame, payload.size(), digits);
  if (!mask) return frame.append(payload);
  std::string key;
  append_big_endian(key, *mask, mask_size);
  frame += key;
  for (std::size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ key[i % mask_size]);
  return frame;
}

}  // namespace consort::websocket

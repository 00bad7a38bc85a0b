#include "base/narrow.hpp"
#include "kube/channels.hpp"

namespace consort::kube {

namespace {

constexpr std::uint64_t longest_message = 16U << 20;

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

void append_big_endian(std::string& to, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) to += static_cast<char>(value >> shift & 0xFF);
}

struct Head {
  bool final = false;
  unsigned opcode = 0;
  std::size_t size = 0;  // of the head itself
  std::uint64_t payload = 0;
};

// nullopt: it is not there as a whole.
Result<std::optional<Head>> read_head(std::string_view bytes) {
  if (bytes.size() < 2) return std::nullopt;
  const auto first = static_cast<unsigned char>(bytes[0]), second = static_cast<unsigned char>(bytes[1]);
  Head head{.final = (first & 0x80) != 0, .opcode = first & 0x0FU, .size = 2, .payload = second & 0x7FU};
  if ((first & 0x70) != 0 || (second & 0x80) != 0) return fail(Code::invalid, "read a WebSocket's frame");
  const std::size_t more = head.payload == 126 ? 2 : head.payload == 127 ? 8 : 0;
  if (bytes.size() < head.size + more) return std::nullopt;
  if (more > 0) head.payload = big_endian(bytes.substr(2, more));
  head.size += more;
  if (head.payload > longest_message)
    return fail(Error(Code::invalid, "read a WebSocket's frame").why("it is too long"));
  return head;
}

}  // namespace

Result<std::optional<FrameReader::Frame>> FrameReader::next() {
  for (;;) {
    const std::optional<Head> head = TRY(read_head(buffer_));
    if (!head || buffer_.size() < head->size + head->payload) return std::nullopt;
    std::string payload = buffer_.substr(head->size, head->payload);
    buffer_.erase(0, head->size + head->payload);
    switch (head->opcode) {
      case 0:  // goes on
      case 1:
      case 2:
        if (fragments_.size() + payload.size() > longest_message)
          return fail(Error(Code::invalid, "read a WebSocket's message").why("it is too long"));
        fragments_ += payload;
        if (head->final) return Frame{Kind::message, std::exchange(fragments_, {})};
        break;
      case 8:
        return Frame{Kind::closed, std::move(payload)};
      case 9:
        return Frame{Kind::ping, std::move(payload)};
      case 10:
        break;
      default:
        return fail(Code::invalid, "read a WebSocket's frame");
    }
  }
}

std::string make_frame(Opcode opcode, std::string_view payload, std::uint32_t mask) {
  std::string frame(1, static_cast<char>(0x80 | static_cast<unsigned>(opcode)));
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80 | payload.size());
  } else if (payload.size() <= 0xFFFF) {
    frame += static_cast<char>(0x80 | 126);
    append_big_endian(frame, payload.size(), 2);
  } else {
    frame += static_cast<char>(0x80 | 127);
    append_big_endian(frame, payload.size(), 8);
  }
  std::string key;
  append_big_endian(key, mask, 4);
  frame += key;
  for (std::size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ key[i % 4]);
  return frame;
}

}  // namespace consort::kube

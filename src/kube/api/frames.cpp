#include <utility>

#include "kube/channels.hpp"

namespace consort::kube {

namespace {

constexpr std::uint64_t longest_message = 16U << 20;

std::unexpected<Error> too_long() {
  return fail(Error(Code::invalid, "read a WebSocket's message").why("it is too long"));
}

}  // namespace

Result<std::optional<FrameReader::Frame>> FrameReader::next() {
  using websocket::Opcode;
  for (;;) {
    const auto head = TRY(websocket::read_frame_head(buffer_, websocket::Sender::server));
    if (head && head->payload > longest_message) return too_long();
    if (!head || buffer_.size() < head->size + head->payload) return std::nullopt;
    std::string payload = buffer_.substr(head->size, head->payload);
    buffer_.erase(0, head->size + head->payload);
    switch (head->opcode) {
      case Opcode::more:
      case Opcode::text:
      case Opcode::binary:
        if (fragments_.size() + payload.size() > longest_message) return too_long();
        fragments_ += payload;
        if (head->final) return Frame{Kind::message, std::exchange(fragments_, {})};
        break;
      case Opcode::close:
        return Frame{Kind::closed, std::move(payload)};
      case Opcode::ping:
        return Frame{Kind::ping, std::move(payload)};
      case Opcode::pong:
        break;
    }
  }
}

}  // namespace consort::kube

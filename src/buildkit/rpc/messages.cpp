#include "buildkit/rpc/messages.hpp"

namespace consort::buildkit {
namespace {

constexpr std::size_t head_bytes = 5;

std::size_t length_in(std::string_view head) {
  std::size_t length = 0;
  for (const char c : head.substr(1, 4)) length = (length << 8) | static_cast<unsigned char>(c);
  return length;
}

}  // namespace

std::string framed(std::string_view message) {
  std::string out;
  out.reserve(head_bytes + message.size());
  out += '\0';
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>((message.size() >> shift) & 0xff);
  out += message;
  return out;
}

Result<bool> MessageReader::has_whole() const {
  const std::string_view bytes = rest();
  if (bytes.empty()) return false;
  if (bytes[0] != 0) return fail(Error(Code::invalid, "read gRPC message").why("it is compressed"));
  if (bytes.size() < head_bytes) return false;
  const std::size_t length = length_in(bytes);
  if (length > limit_)
    return fail(Error(Code::invalid, "read gRPC message")
                    .why(std::to_string(length) + " bytes are more than " + std::to_string(limit_)));
  return bytes.size() >= head_bytes + length;
}

Result<std::optional<std::string>> MessageReader::next() {
  if (!TRY(has_whole())) return std::nullopt;
  const std::size_t length = length_in(rest());
  std::string message(rest().substr(head_bytes, length));
  at_ += head_bytes + length;
  if (at_ == buffer_.size()) {
    buffer_.clear();
    at_ = 0;
    if (buffer_.capacity() > (std::size_t{1} << 20)) buffer_.shrink_to_fit();
  } else if (at_ > (std::size_t{256} << 10)) {  // not for each message, because moving the rest is expensive
    buffer_.erase(0, at_);
    at_ = 0;
  }
  return message;
}

}  // namespace consort::buildkit

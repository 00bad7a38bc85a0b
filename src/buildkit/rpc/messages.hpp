// gRPC's messages within the bytes of a stream: a flag, a length of four bytes, then so many.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort::buildkit {

inline constexpr std::size_t max_rpc_message = std::size_t{16} << 20;  // BuildKit's own limit

// The whole of a message as it goes onto the wire.
std::string framed(std::string_view message);

class MessageReader {
 public:
  explicit MessageReader(std::size_t limit = max_rpc_message) : limit_(limit) {}

  void add(std::string_view bytes) { buffer_ += bytes; }
  // The next message if it is whole. Code::invalid: too long, or compressed.
  Result<std::optional<std::string>> next();
  // Code::invalid as for next(). Takes nothing.
  Result<bool> has_whole() const;
  bool empty() const { return at_ == buffer_.size(); }  // false: a message has begun

 private:
  std::string_view rest() const { return std::string_view(buffer_).substr(at_); }

  std::size_t limit_;
  std::string buffer_;
  std::size_t at_ = 0;  // of the next message
};

}  // namespace consort::buildkit

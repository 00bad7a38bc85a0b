// gRPC message framing within a stream: a flag byte, a length of four bytes, then that many bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort::buildkit {

inline constexpr std::size_t max_rpc_message = std::size_t{16} << 20;  // BuildKit's own limit

// A message with its frame header, ready to send.
std::string framed(std::string_view message);

class MessageReader {
 public:
  explicit MessageReader(std::size_t limit = max_rpc_message) : limit_(limit) {}

  void add(std::string_view bytes) { buffer_ += bytes; }
  // The next message if it is complete. Code::invalid: too long, or compressed.
  Result<std::optional<std::string>> next();
  // Whether next() would return a message; consumes nothing. Code::invalid as for next().
  Result<bool> has_whole() const;
  bool empty() const { return at_ == buffer_.size(); }  // false: part of a message is left

 private:
  std::string_view rest() const { return std::string_view(buffer_).substr(at_); }

  std::size_t limit_;
  std::string buffer_;
  std::size_t at_ = 0;  // of the next message
};

}  // namespace consort::buildkit

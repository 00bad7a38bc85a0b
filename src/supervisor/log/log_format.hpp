// The header of a log record in the file, little-endian. See log.hpp for the file's structure.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "supervisor/log.hpp"

namespace consort::supervisor {

struct LogHeader {
  std::int64_t time_ns = 0;  // since 1970
  std::uint32_t length = 0;
  std::uint8_t stream = 0;  // LogStream
  std::uint8_t late = 0;    // 1: an earlier record has a later time, because the clock was set back
  std::uint16_t magic = log_magic;

  static constexpr std::uint16_t log_magic = 0xC0DE;
};
static_assert(sizeof(LogHeader) == log_header_bytes);

// The size of the block's rest after `offset` if a header and at least one byte fit, else 0.
inline std::uint64_t room_in_block(std::uint64_t offset) {
  const std::uint64_t left = log_block_bytes - offset % log_block_bytes;
  return left > log_header_bytes ? left - log_header_bytes : 0;
}
inline std::uint64_t next_block(std::uint64_t offset) {
  return (offset / log_block_bytes + 1) * log_block_bytes;
}

// Parses the header at `offset` of a file from the bytes that begin there. nullopt: too short, or not a header.
inline std::optional<LogHeader> parse_log_header(std::span<const char> bytes, std::uint64_t offset) {
  LogHeader header;
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  const bool sane = header.magic == LogHeader::log_magic && (header.stream == 1 || header.stream == 2) &&
                    header.length > 0 && header.length <= room_in_block(offset);
  return sane ? std::optional(header) : std::nullopt;
}

}  // namespace consort::supervisor

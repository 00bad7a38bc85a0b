// Writing to a standard stream: it is shared with others, some of whom make it non-blocking, and whoever reads it may
// not do so any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "base/error.hpp"

namespace consort {

// Like write_full(), but waits for room where there is none.
Result<> write_patiently(int fd, std::span<const std::byte> bytes);

// What the reader of a pipe or a socket has not taken yet of what was written to it; 0 of anything else. A pipe has
// room again only when a whole page was read: whether somebody reads is seen here.
std::uint64_t unread_bytes(int fd);

// As write_patiently() until the caller gives up, who is told of each part that was taken, and asked from time to time
// while there is no room: Code::interrupted then, and the rest is not written.
enum class Reader : std::uint8_t { takes, stands };
Result<> write_patiently(int fd, std::string_view text, const std::function<bool(Reader)>& gives_up);

}  // namespace consort

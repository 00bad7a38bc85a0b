// Writing to a standard stream. It is shared with other processes, any of which may make it non-blocking, and its
// reader may have stopped reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "base/error.hpp"

namespace consort {

// Like write_full(), but waits for space if the stream is non-blocking and full.
Result<> write_patiently(int fd, std::span<const std::byte> bytes);

// How many written bytes the reader of a pipe or a socket has not read yet; 0 for anything else. A pipe becomes
// writable only after a whole page was read, so this is how to tell whether the reader is making progress.
std::uint64_t unread_bytes(int fd);

// Like write_patiently(), until the caller gives up. `gives_up` is called with `takes` for each part that was accepted,
// and with `stands` from time to time while there is no space. If it returns true, the rest is not written:
// Code::interrupted.
enum class Reader : std::uint8_t { takes, stands };
Result<> write_patiently(int fd, std::string_view text, const std::function<bool(Reader)>& gives_up);

}  // namespace consort

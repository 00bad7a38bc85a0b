// Frames of a WebSocket, parsed as a whole and byte by byte: both must give the same result.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "serve/http/websocket.hpp"

using namespace consort::serve::http;  // NOLINT: one file, one purpose

namespace {

struct Seen {
  std::string bytes, reply;
  bool closed = false, wrong = false;
  bool operator==(const Seen&) const = default;
};

Seen read(std::string_view bytes, std::size_t piece) {
  WebSocketInput input;
  Seen seen;
  for (std::size_t at = 0; at < bytes.size() && !seen.closed && !seen.wrong; at += piece) {
    const auto taken = input.feed(bytes.substr(at, piece));
    seen.wrong = !taken;
    if (!taken) break;
    seen.bytes += taken->bytes;
    seen.reply += taken->reply;
    seen.closed = taken->closed;
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Seen whole = read(bytes, size + 1), single = read(bytes, 1);
  // Data before the fault may have been passed on already, if it arrived earlier.
  if (whole.closed != single.closed || whole.wrong != single.wrong) std::abort();
  if (!whole.wrong && !(whole == single)) std::abort();
  return 0;
}

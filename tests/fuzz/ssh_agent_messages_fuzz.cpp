// Bytes that a step sends to the socket of --mount=type=ssh: however they are split, they form the same messages.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "build/exec/ssh_agent.hpp"

using namespace consort;

namespace {

std::vector<std::string> messages_of(std::string_view text, std::size_t piece) {
  build::AgentMessages messages;
  std::vector<std::string> found;
  while (!text.empty()) {
    messages.add(text.substr(0, piece));
    text.remove_prefix(std::min(piece, text.size()));
    for (;;) {
      const auto next = messages.next();
      if (!next) return found;
      if (!*next) break;
      (void)build::agent_may_be_asked(**next);
      found.push_back(**next);
    }
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (messages_of(text, 1) != messages_of(text, size + 1)) std::abort();
  return 0;
}

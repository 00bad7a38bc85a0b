// A provider's output: the same objects must be found, however it is split into pieces.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "project/exec/provider.hpp"

namespace {

std::string found_in(std::string_view text, std::size_t size) {
  consort::project::MessageReader reader;
  std::string found;
  const auto take = [&found](std::string_view object) -> consort::Result<> {
    found += std::string(object) + '\0';
    return {};
  };
  for (; !text.empty(); text.remove_prefix(std::min(size, text.size())))
    if (!reader.feed(text.substr(0, size), take)) return found + "refused";
  return found + reader.unfinished();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (found_in(text, 1) != found_in(text, size + 1)) __builtin_trap();
  (void)consort::project::legible(text);
  return 0;
}

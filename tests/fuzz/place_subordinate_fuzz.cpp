// /etc/subuid belongs to root, but the values read from it are passed to newuidmap.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "place/make/ids.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto ranges = consort::place::parse_subordinate(text, "ann", 1000);
  for (const auto& range : ranges)
    if (range.count == 0 || range.first + std::uint64_t{range.count} > 0xffffffff) std::abort();
  const auto words = consort::place::map_arguments(1000, ranges);
  if (words.size() % 3 != 0 || words.size() > 3 * (ranges.size() + 1)) std::abort();
  return 0;
}

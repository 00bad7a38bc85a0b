// unit.json: any accepted text must print to a text that reads back the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "supervisor/unit.hpp"

using namespace consort::supervisor;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto unit = unit_from_json(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz");
  if (!unit) return 0;
  const std::string once = unit_to_json(*unit);
  const auto again = unit_from_json(once, "fuzz");
  if (!again || unit_to_json(*again) != once) __builtin_trap();
  return 0;
}

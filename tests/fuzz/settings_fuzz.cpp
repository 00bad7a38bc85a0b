// The settings file: any text is either understood or refused.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/settings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)consort::parse_settings({reinterpret_cast<const char*>(data), size}, "fuzz");
  return 0;
}

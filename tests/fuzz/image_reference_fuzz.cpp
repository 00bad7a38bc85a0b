#include <cstdint>
#include <cstdlib>

#include "image/platform.hpp"
#include "image/reference.hpp"

using namespace consort;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)image::Platform::parse(text);
  if (const auto reference = image::Reference::parse(text)) {
    // Both printed forms must refer to the same image.
    const auto full = image::Reference::parse(reference->full());
    const auto familiar = image::Reference::parse(reference->familiar());
    if (!full || *full != *reference || !familiar || *familiar != *reference) std::abort();
  }
  return 0;
}

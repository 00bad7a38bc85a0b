// Manifests, indexes and configurations, and the challenge header of a registry.
#include <cstdint>
#include <cstdlib>

#include "image/config.hpp"
#include "image/http/challenge.hpp"
#include "image/registry/manifest.hpp"

using namespace consort;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = image::parse_manifest(text, "", "fuzz");
  if (parsed && parsed->index) (void)image::choose_platform(*parsed->index, image::Platform::host(), "fuzz");
  if (parsed && parsed->manifest && !image::parse_manifest(image::format_manifest(*parsed->manifest), "", "again"))
    std::abort();
  // Text that we write must be read back, to the same bytes.
  if (const auto config = image::parse_config(text)) {
    const std::string written = image::format_config(*config);
    const auto again = image::parse_config(written);
    if (!again || image::format_config(*again) != written) std::abort();
  }
  (void)image::parse_challenges(text);
  return 0;
}

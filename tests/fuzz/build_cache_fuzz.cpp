// Build caches come from registries that anybody may write to: tests their records, alone and inside an image's
// configuration, and the texts that name caches and layouts.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "build/cache/records.hpp"
#include "build/cache_spec.hpp"
#include "image/artifact.hpp"

using namespace consort;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // Accepted records refer only to existing layers, and are written and read back to the same text.
  if (const auto records = build::parse_records(text)) {
    for (const auto& step : records->steps)
      if (step.layer >= records->diff_ids.size()) std::abort();
    const std::string written = build::format_records(*records);
    const auto again = build::parse_records(written);
    if (!again || build::format_records(*again) != written) std::abort();
  }
  if (const auto records = build::parse_inline_records(text); records && *records) {
    for (const auto& step : (*records)->steps)
      if (step.layer >= (*records)->diff_ids.size()) std::abort();
  }
  (void)build::other_builder("application/vnd.oci.image.config.v1+json", text);
  for (const auto side : {build::CacheSide::from, build::CacheSide::to}) (void)build::parse_cache_spec(text, side);
  (void)image::LayoutPlace::parse(text);
  return 0;
}

// The text format of an exported build cache: for each step its key, the identity of its result, its time, and the
// layer that contains it. It is stored as the configuration of an artifact (image/artifact.hpp) or, inline, as part of
// an image's configuration. Input is untrusted.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "image/reference.hpp"

namespace consort::build {

inline constexpr std::string_view cache_config_type = "application/vnd.consort.buildcache.config.v1+json";

struct CacheRecord {
  std::string key;        // StepKey::digest()
  std::string output;     // CachedStep::output
  SystemTime created{};   // when the step was run
  std::size_t layer = 0;  // index of its layer
};

struct CacheRecords {
  std::vector<CacheRecord> steps;
  std::vector<image::Digest> diff_ids;  // of the layers, in the manifest's order
};

// The configuration of an artifact. Deterministic: the same records give the same text.
std::string format_records(const CacheRecords& records);
// Code::invalid if it is not in our format, or exceeds the limits.
Result<CacheRecords> parse_records(std::string_view text);

// The part of an image's configuration; diff_ids are omitted because the layers are the image's.
std::string format_inline_records(const std::vector<CacheRecord>& steps);
// From an image's complete configuration; nullopt: it contains none.
Result<std::optional<CacheRecords>> parse_inline_records(std::string_view image_config);

// The name of another builder if the media type or the image's configuration shows that it wrote the cache: "BuildKit";
// otherwise "".
std::string other_builder(std::string_view config_type, std::string_view config);

}  // namespace consort::build

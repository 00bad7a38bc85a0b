// A build cache on its way between machines, as text: for each step its key, the identity of what it gave, when, and
// which layer holds it. It is the configuration of an artifact (image/artifact.hpp), or, inline, a part of an image's
// configuration. What is read may come from anybody.
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
  std::size_t layer = 0;  // its place among the layers
};

struct CacheRecords {
  std::vector<CacheRecord> steps;
  std::vector<image::Digest> diff_ids;  // of the layers, in the manifest's order
};

// The configuration of an artifact. The same records give the same text.
std::string format_records(const CacheRecords& records);
// Code::invalid if it is not what we would write, or too much.
Result<CacheRecords> parse_records(std::string_view text);

// The part of an image's configuration: the layers are the image's, so diff_ids are not written.
std::string format_inline_records(const std::vector<CacheRecord>& steps);
// Of the whole configuration of an image; nullopt: there are none in it.
Result<std::optional<CacheRecords>> parse_inline_records(std::string_view image_config);

// Whose it is, if the media type or the image's configuration says that another builder wrote it: "BuildKit"; else "".
std::string other_builder(std::string_view config_type, std::string_view config);

}  // namespace consort::build

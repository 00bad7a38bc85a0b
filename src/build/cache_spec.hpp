// Parses the entries of cache_from and cache_to as buildx does: "type=registry,ref=HOST/NAME:TAG,mode=max", or a
// reference alone, which means type=registry.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::build {

struct CacheSpec {
  enum class Type : std::uint8_t { registry, local, inline_, unsupported } type = Type::registry;
  enum class Mode : std::uint8_t { min, max } mode = Mode::min;  // min: only the layers of the image
  std::string type_name;                                         // as written: "gha", with Type::unsupported
  std::string reference;                                         // registry
  std::string directory;                                         // local
  std::string tag;                                               // local: tag in the directory's index; empty: "latest"
  std::string digest;  // local, cache_from: "sha256:..." of a manifest; empty: use the tag
  enum class OnError : std::uint8_t { fail, go_on } on_error = OnError::fail;  // cache_to
};

enum class CacheSide : std::uint8_t { from, to };
// One entry may contain several references ("a,b"). Code::invalid says what is missing. Attributes that only select
// another form of the same content (compression, oci-mediatypes, ...) are accepted and ignored.
Result<std::vector<CacheSpec>> parse_cache_spec(std::string_view text, CacheSide use);

}  // namespace consort::build

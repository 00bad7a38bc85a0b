// The build cache in system/df. It is a single record because steps have no names of their own.
#pragma once

namespace consort::serve {

struct BuildCacheRecord {
  const char* id;
  const char* type;
  const char* description;
};

inline constexpr BuildCacheRecord build_cache_record{"build-cache", "regular",
                                                     "layers that only the build cache needs"};

}  // namespace consort::serve

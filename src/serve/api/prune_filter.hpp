// What the endpoints that prune have in common.
#pragma once

#include <optional>

#include "base/time.hpp"
#include "serve/api/filters.hpp"

namespace consort::serve {

// `until`: what is younger stays. A time (RFC 3339, or seconds since 1970) or how long ago ("24h").
Result<std::optional<SystemTime>> created_before(const Filters& filters);

}  // namespace consort::serve

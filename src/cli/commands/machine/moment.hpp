// --since and --until: a time (RFC 3339, which may be shortened as in Docker, or seconds since 1970), or a duration
// before now ("42m").
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/time.hpp"

namespace consort::cli {

Result<SystemTime> parse_moment(const std::string& text, SystemTime now);

}  // namespace consort::cli

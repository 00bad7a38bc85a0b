// --since and --until: a time (RFC 3339, shortened as Docker allows, or seconds since 1970), or how long ago ("42m").
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/time.hpp"

namespace consort::cli {

Result<SystemTime> parse_moment(const std::string& text, SystemTime now);

}  // namespace consort::cli

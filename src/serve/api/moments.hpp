// Points in time of a query: since, until.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/time.hpp"

namespace consort::serve {

// "1795928503", "1795928503.453", RFC 3339, or how long ago ("10m"). "" and "0": none. name: of the parameter, for the
// error.
Result<std::optional<SystemTime>> parse_moment(const char* name, const std::string& text);

}  // namespace consort::serve

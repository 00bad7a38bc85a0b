// Points in time of a query: since, until.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/time.hpp"

namespace consort::serve {

class Filters;  // serve/api/filters.hpp

// "1795928503", "1795928503.453", RFC 3339, or how long ago ("10m"). "" and "0": none. name: of the parameter, for the
// error.
Result<std::optional<SystemTime>> parse_moment(const char* name, const std::string& text);

// The filter of that name of a prune, which takes what is older. none: there is no such filter. What means no time is
// Code::invalid, since without an end a prune would take everything.
Result<std::optional<SystemTime>> until_of(const Filters& filters, const std::string& key = "until");

}  // namespace consort::serve

// Points in time in queries: since, until.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/time.hpp"

namespace consort::serve {

class Filters;  // serve/api/filters.hpp

// "1795928503", "1795928503.453", RFC 3339, or a duration before now ("10m"). "" and "0": nullopt. name: the parameter,
// for errors.
Result<std::optional<SystemTime>> parse_moment(const char* name, const std::string& text);

// The filter of that name of a prune, which removes older objects. nullopt: there is no such filter. Anything that is
// not a time is Code::invalid, since a prune without a limit would remove everything.
Result<std::optional<SystemTime>> until_of(const Filters& filters, const std::string& key = "until");

}  // namespace consort::serve

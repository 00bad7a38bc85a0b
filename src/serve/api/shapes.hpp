// Small things that are the same in many answers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "engine/types.hpp"

namespace consort::serve {

// RFC 3339 as Go writes it: without zeros at the end of the fraction. None: "0001-01-01T00:00:00Z", which is never.
std::string go_time(const std::optional<SystemTime>& time);
std::int64_t unix_seconds(SystemTime time);

// Docker has null in the place of lists and maps that nobody has set.
Json or_null(const std::vector<std::string>& list);
Json strings_of(const std::vector<std::string>& list);  // always a list
Json map_of(const engine::StringMap& map);              // always an object

// The networks that are modes here, and networks in Docker's world.
std::string builtin_network_id(const std::string& name);  // "host", "none": the same on every machine
// Of a container's place on a network; Docker gives it a random number, this one is the same for everybody who asks.
std::string endpoint_id(const std::string& container_id, const std::string& network_id);

}  // namespace consort::serve

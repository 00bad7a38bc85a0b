// Small conversions that many answers use.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "engine/types.hpp"

namespace consort::serve {

// RFC 3339 as Go formats it: without trailing zeros in the fraction. nullopt: "0001-01-01T00:00:00Z", Go's zero time.
std::string go_time(const std::optional<SystemTime>& time);
std::int64_t unix_seconds(SystemTime time);

// Docker has null for lists and maps that are not set.
Json or_null(const std::vector<std::string>& list);
Json strings_of(const std::vector<std::string>& list);  // always a list
Json map_of(const engine::StringMap& map);              // always an object

// Networks in Docker that are modes here.
std::string builtin_network_id(const std::string& name);  // "host", "none": the same ID on every machine
// ID of a container's endpoint on a network. Docker's is random; this one is always the same for the same endpoint.
std::string endpoint_id(const std::string& container_id, const std::string& network_id);

}  // namespace consort::serve

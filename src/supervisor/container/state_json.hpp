// The JSON value of state_to_json(), for messages and files that contain states.
#pragma once

#include "base/json.hpp"
#include "supervisor/state.hpp"

namespace consort::supervisor {

Json ports_as_json(const std::vector<BoundPort>& ports);
std::vector<BoundPort> ports_of_json(const Json& parent, const char* key);  // empty: there is no such key
Json state_as_json(const ObservedContainer& state);
Result<ObservedContainer> state_of_json(const Json& json, const std::string& source);

}  // namespace consort::supervisor

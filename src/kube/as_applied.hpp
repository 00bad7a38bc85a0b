// Decides which objects `up` need not apply because they are already there, so that an `up` that changes nothing does
// not send a request per object. Pure.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/error.hpp"

namespace consort::kube {

// Adds an annotation with the object's digest: nothing else would show that a field is no longer wanted.
Result<nlohmann::ordered_json> to_apply(std::string_view object);
// Whether the existing object has everything that is wanted and was applied from the same text, so that applying it
// would change nothing. Fields that others added do not matter, since applying keeps them too. False if in doubt.
bool is_as_applied(const nlohmann::ordered_json& there, const nlohmann::ordered_json& wanted);
// Whether one of the two Services has a cluster IP and the other is headless. API servers refuse or ignore such a
// change.
bool has_other_address(const nlohmann::ordered_json& there, const nlohmann::ordered_json& wanted);
// The object without that annotation, for output.
nlohmann::ordered_json without_digest(nlohmann::ordered_json object);

}  // namespace consort::kube

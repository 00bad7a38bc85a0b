// What need not be applied, because it is there already: a request for each object is what an `up` that changes nothing
// would take its time for. Pure.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/error.hpp"

namespace consort::kube {

// The object with an annotation that says what it is: a field that is no longer wanted is missed by nobody else.
Result<nlohmann::ordered_json> to_apply(std::string_view object);
// Whether all that is wanted is there, and was wanted before: to apply it would change nothing. What others have added
// to an object is left alone by both. In doubt it is not.
bool is_as_applied(const nlohmann::ordered_json& there, const nlohmann::ordered_json& wanted);
// Whether the wanted Service has an address and the one that is there has none, or the other way round. A server
// refuses to change that, or pays no heed to it.
bool has_other_address(const nlohmann::ordered_json& there, const nlohmann::ordered_json& wanted);
// Without that annotation, for people.
nlohmann::ordered_json without_digest(nlohmann::ordered_json object);

}  // namespace consort::kube

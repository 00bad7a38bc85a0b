// Parsers for two structured headers: WWW-Authenticate (RFC 7235) as registries use it, Basic realm="..." and Bearer
// realm="...",service="...",scope="..."; and Link (RFC 8288).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace consort::image {

struct Challenge {
  std::string scheme;                             // lower case
  std::map<std::string, std::string> parameters;  // names in lower case
};

// Skips malformed parts, which could not be answered anyway.
std::vector<Challenge> parse_challenges(std::string_view header);

// Returns the target with rel="next" as in </v2/app/tags/list?next=x>; rel="next", or "" if there is none.
std::string next_link(std::string_view header);

}  // namespace consort::image

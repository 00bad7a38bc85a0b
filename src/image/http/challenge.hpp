// Headers that are a language of their own: WWW-Authenticate, as registries use it (RFC 7235): Basic realm="...";
// Bearer realm="...",service="...",scope="..."; and Link (RFC 8288).
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

// Malformed parts are skipped: what cannot be read cannot be answered.
std::vector<Challenge> parse_challenges(std::string_view header);

// The target with rel="next": </v2/app/tags/list?next=x>; rel="next". "" if there is none.
std::string next_link(std::string_view header);

}  // namespace consort::image

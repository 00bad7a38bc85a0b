// URL encoding.
#pragma once

#include <string>
#include <string_view>

namespace consort {

// Percent-encodes every character that is not unreserved (RFC 3986, section 2.1).
std::string url_encode(std::string_view text);

}  // namespace consort

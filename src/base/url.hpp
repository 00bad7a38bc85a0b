// Parts of addresses.
#pragma once

#include <string>
#include <string_view>

namespace consort {

// What stands for itself in no part of an address becomes %XX (RFC 3986, section 2.1).
std::string url_encode(std::string_view text);

}  // namespace consort

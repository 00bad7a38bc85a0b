// Parses untrusted JSON without exceptions and with limits. Include this only in .cpp files because the library's
// header is large. Headers that name the type include <nlohmann/json_fwd.hpp>.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.hpp"

// Instantiated once, in json.cpp, instead of in every file that uses JSON.
extern template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace consort {

using Json = nlohmann::ordered_json;  // keeps the order of keys, which OCI image configurations need

// `source` names the text in errors ("manifest of postgres:15"). Nesting deeper than 200 levels is refused.
Result<Json> parse_json(std::string_view text, const std::string& source);

// Compact text; invalid UTF-8 becomes U+FFFD instead of an exception.
std::string dump_json(const Json& value, int indent = -1);
// The same text with <, >, &, U+2028 and U+2029 escaped as \u003c and so on, as Go's encoding/json writes it. Docker
// prints whole JSON documents this way.
std::string escape_html(std::string_view json);

// Typed access to a value of any type; a missing key or a wrong type gives the fallback.
std::string get_string(const Json& object, std::string_view key, std::string fallback = {});
std::int64_t get_int(const Json& object, std::string_view key, std::int64_t fallback = 0);
bool get_bool(const Json& object, std::string_view key, bool fallback = false);
std::vector<std::string> get_strings(const Json& object, std::string_view key);  // the strings in an array
const Json* find_key(const Json& object, std::string_view key);                  // null if absent or not an object

}  // namespace consort

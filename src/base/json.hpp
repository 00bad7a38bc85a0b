// JSON of foreign origin: parsed without exceptions, with limits. Include this only in .cpp files: the library's header
// is large. Headers that name the type include <nlohmann/json_fwd.hpp>.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.hpp"

// Compiled once, in json.cpp, instead of in every file that touches JSON.
extern template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace consort {

using Json = nlohmann::ordered_json;  // keeps the order of keys, which OCI image configs need

// `source` names the text in the error ("manifest of postgres:15"). Nesting deeper than 200 is refused.
Result<Json> parse_json(std::string_view text, const std::string& source);

// Compact text; invalid UTF-8 becomes U+FFFD rather than an exception.
std::string dump_json(const Json& value, int indent = -1);
// The same text with <, >, &, U+2028 and U+2029 as \u003c and the like: what Go's encoding/json gives, and with it
// whatever Docker prints as a whole.
std::string escape_html(std::string_view json);

// Typed looks into a value that may be anything; a missing key or another type gives the default.
std::string get_string(const Json& object, std::string_view key, std::string fallback = {});
std::int64_t get_int(const Json& object, std::string_view key, std::int64_t fallback = 0);
bool get_bool(const Json& object, std::string_view key, bool fallback = false);
std::vector<std::string> get_strings(const Json& object, std::string_view key);  // strings of an array
const Json* find_key(const Json& object, std::string_view key);                  // null if absent or not an object

}  // namespace consort

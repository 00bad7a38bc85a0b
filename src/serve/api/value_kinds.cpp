#include "serve/api/value_kinds.hpp"

#include <algorithm>
#include <utility>

#include "serve/api/call.hpp"

namespace consort::serve {

namespace {

// In Docker's words, which are Go's.
std::string_view type_of(const Json& value) {
  if (value.is_string()) return "string";
  if (value.is_number()) return "number";
  if (value.is_boolean()) return "bool";
  return value.is_array() ? "array" : "object";
}

std::string_view type_of(ValueKind kind) {
  using enum ValueKind;
  switch (kind) {
    case text:
      return "string";
    case number:
      return "int64";
    case truth:
      return "bool";
    case texts:
    case words:
      return "[]string";
    case objects:
      return "[]object";
    case map_of_texts:
      return "map[string]string";
    case object:
      return "object";
    case numbers:
      return "[]int64";
  }
  return "";
}

// A number that does not fit would become a different one.
bool is_int64(const Json& value) {
  if (value.is_number_unsigned()) return std::in_range<std::int64_t>(value.get<std::uint64_t>());
  return value.is_number_integer();
}

}  // namespace

bool is_of(ValueKind kind, const Json& value) {
  using enum ValueKind;
  if (value.is_null()) return true;
  const auto all = [&](ValueKind each) {
    return std::ranges::all_of(value, [&](const Json& one) { return is_of(each, one); });
  };
  switch (kind) {
    case text:
      return value.is_string();
    case number:
      return is_int64(value);
    case truth:
      return value.is_boolean();
    case texts:
      return value.is_array() && all(text);
    case words:
      return value.is_string() || (value.is_array() && all(text));
    case objects:
      return value.is_array() && all(object);
    case numbers:
      return value.is_array() && all(number);
    case object:
      return value.is_object();
    case map_of_texts:
      return value.is_object() && all(text);
  }
  return false;
}

Result<> check_kinds(std::span<const KnownKey> keys, const Json& object, std::string_view inside) {
  for (const KnownKey& key : keys) {
    const Json* value = find_key(object, key.name);
    if (!value || is_of(key.kind, *value)) continue;
    const std::string field = std::string(inside) + (inside.empty() ? "" : ".") + std::string(key.name);
    return fail(http_error(400, "invalid JSON: cannot unmarshal " + std::string(type_of(*value)) + " into " + field +
                                    " of type " + std::string(type_of(key.kind))));
  }
  return {};
}

}  // namespace consort::serve

// Helpers for the config.json parsers. Only include it there: it includes the JSON library.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "runtime/spec.hpp"

namespace consort::runtime::internal {

inline constexpr std::size_t max_entries = 4096;

inline std::unexpected<Error> malformed(std::string_view where, std::string why) {
  return fail(Error(Code::invalid, std::string(where)).why(std::move(why)));
}

// The elements of an array of limited length; none if the key is missing.
inline Result<std::vector<const Json*>> entries_of(const Json& object, std::string_view key, std::string_view where) {
  std::vector<const Json*> entries;
  const Json* array = find_key(object, key);
  if (!array || array->is_null()) return entries;
  if (!array->is_array()) return malformed(where, "not a list");
  if (array->size() > max_entries) return malformed(where, "more than 4096 entries");
  for (const Json& entry : *array) entries.push_back(&entry);
  return entries;
}

template <typename T>
Result<std::optional<T>> unsigned_of(const Json& object, std::string_view key, std::string_view where) {
  const Json* value = find_key(object, key);
  if (!value || value->is_null()) return std::optional<T>();
  if (!value->is_number_unsigned()) return malformed(where, "not a number of zero or more");
  const auto number = value->get<std::uint64_t>();
  if (number > std::numeric_limits<T>::max()) return malformed(where, "too large");
  return std::optional<T>(static_cast<T>(number));
}

inline Result<std::optional<std::int64_t>> signed_of(const Json& object, std::string_view key, std::string_view where) {
  const Json* value = find_key(object, key);
  if (!value || value->is_null()) return std::optional<std::int64_t>();
  if (!value->is_number_integer()) return malformed(where, "not a whole number");
  const bool fits = !value->is_number_unsigned() || std::in_range<std::int64_t>(value->get<std::uint64_t>());
  if (!fits) return malformed(where, "too large");  // not -1, which would mean "all" or "no limit"
  return std::optional<std::int64_t>(value->get<std::int64_t>());
}

Result<> check_strings(const std::vector<std::string>& strings, std::string_view where);
Result<> parse_mappings(const Json& object, std::string_view key, std::string_view where, std::vector<IdMapping>& into);
Result<> parse_process(const Json& object, Process& process);
Result<> parse_resources(const Json& resources, Resources& into);
Result<> parse_linux(const Json& object, Linux& into);

}  // namespace consort::runtime::internal

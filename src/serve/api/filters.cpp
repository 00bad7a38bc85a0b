#include "serve/api/filters.hpp"

#include <algorithm>
#include <regex>

#include "base/json.hpp"
#include "base/strings.hpp"

namespace consort::serve {

namespace {

// From a client: the matcher must neither recurse nor backtrack exponentially, whatever the pattern is.
bool matches_pattern(const std::string& pattern, const std::string& text) {
  constexpr std::size_t longest = 256;
  if (pattern.size() > longest) return false;
  try {
    return std::regex_search(text, std::regex(pattern, std::regex::ECMAScript | std::regex_constants::__polynomial));
  } catch (const std::regex_error&) {
    return text.contains(pattern);
  }
}

bool has_label(const std::map<std::string, std::string>& labels, const std::string& wanted) {
  const std::size_t equals = wanted.find('=');
  const auto found = labels.find(wanted.substr(0, equals));
  return found != labels.end() && (equals == std::string::npos || found->second == wanted.substr(equals + 1));
}

// ["a"], or {"a":true} as Docker's own clients write it.
Result<std::vector<std::string>> values_of(const Json& value) {
  std::vector<std::string> values;
  for (const auto& [key, each] : value.items()) {
    const bool is_member = value.is_object() && each.is_boolean();
    if (!is_member && !(value.is_array() && each.is_string())) return fail(http_error(400, "invalid filter"));
    if (!is_member || each.get<bool>()) values.push_back(is_member ? key : each.get<std::string>());
  }
  return values;
}

}  // namespace

Result<Filters> Filters::of(const Call& call, std::span<const std::string_view> known) {
  return parse(call.query("filters"), known);
}

Result<Filters> Filters::parse(const std::string& text, std::span<const std::string_view> known) {
  Filters filters;
  if (text.empty()) return filters;
  const auto json = parse_json(text, "filters");
  if (!json || !(json->is_object() || json->is_null())) return fail(http_error(400, "invalid filter"));
  for (const auto& [key, value] : json->items()) {
    if (std::ranges::find(known, key) == known.end())
      return fail(http_error(400, "invalid filter '" + key + "'").about(Subject::setting, key));
    filters.values_.emplace(key, TRY(values_of(value)));
  }
  return filters;
}

const std::vector<std::string>& Filters::values(std::string_view key) const {
  static const std::vector<std::string> none;
  const auto found = values_.find(key);
  return found == values_.end() ? none : found->second;
}

bool Filters::any(std::string_view key, const std::function<bool(const std::string& value)>& matches) const {
  const std::vector<std::string>& wanted = values(key);
  return wanted.empty() || std::ranges::any_of(wanted, matches);
}

bool Filters::exact(std::string_view key, const std::string& text) const {
  return any(key, [&](const std::string& value) { return value == text; });
}

bool Filters::pattern(std::string_view key, const std::string& text) const {
  return any(key, [&](const std::string& value) { return value == text || matches_pattern(value, text); });
}

bool Filters::labels(const std::map<std::string, std::string>& labels) const {
  const auto there = [&](const std::string& wanted) { return has_label(labels, wanted); };
  return std::ranges::all_of(values("label"), there) && std::ranges::none_of(values("label!"), there);
}

Result<std::optional<bool>> Filters::boolean(std::string_view key) const {
  if (is_empty_list(key)) return fail(http_error(400, "invalid filter '" + std::string(key) + "'"));
  if (!has(key)) return std::nullopt;
  std::optional<bool> answer;
  for (const std::string& value : values(key)) {
    const std::string lower = to_lower(value);
    if (lower != "true" && lower != "1" && lower != "false" && lower != "0")
      return fail(http_error(400, "invalid filter '" + std::string(key) + "=[" + join(values(key), " ") + "]'"));
    answer = lower == "true" || lower == "1";
  }
  return answer;
}

}  // namespace consort::serve

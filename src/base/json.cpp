#include "base/json.hpp"

#include <algorithm>

#include "base/narrow.hpp"

template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace consort {

namespace {

constexpr int max_depth = 200;

bool too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > max_depth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

// The library's texts begin with its own prefix: "[json.exception.parse_error.101] parse error at line 1, ...".
std::string_view reason_in(std::string_view text) {
  const std::size_t end = text.find("] ");
  return text.starts_with('[') && end != text.npos ? text.substr(end + 2) : text;
}

}  // namespace

Result<Json> parse_json(std::string_view text, const std::string& source) {
  if (too_deep(text)) return fail(Error(Code::invalid, "parse").on(source).why("nested too deeply"));
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::exception& e) {
    return fail(Error(Code::invalid, "parse").on(source).why(std::string(reason_in(e.what()))));
  }
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string escape_html(std::string_view json) {
  constexpr std::pair<std::string_view, std::string_view> escapes[] = {
      {"<", "\\u003c"}, {">", "\\u003e"}, {"&", "\\u0026"}, {"\xE2\x80\xA8", "\\u2028"}, {"\xE2\x80\xA9", "\\u2029"}};
  std::string text;
  text.reserve(json.size());
  for (std::size_t i = 0; i < json.size();) {
    const auto* found =
        std::ranges::find_if(escapes, [&](const auto& each) { return json.substr(i).starts_with(each.first); });
    const bool plain = found == std::end(escapes);
    text += plain ? json.substr(i, 1) : found->second;
    i += plain ? 1 : found->first.size();
  }
  return text;
}

const Json* find_key(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string get_string(const Json& object, std::string_view key, std::string fallback) {
  const Json* value = find_key(object, key);
  return value && value->is_string() ? value->get<std::string>() : std::move(fallback);
}

// Numbers that are too large or have a fraction are converted to the nearest value.
std::int64_t get_int(const Json& object, std::string_view key, std::int64_t fallback) {
  const Json* value = find_key(object, key);
  if (!value || !value->is_number()) return fallback;
  if (value->is_number_unsigned()) return saturated<std::int64_t>(value->get<std::uint64_t>());
  return value->is_number_float() ? saturated<std::int64_t>(value->get<double>()) : value->get<std::int64_t>();
}

bool get_bool(const Json& object, std::string_view key, bool fallback) {
  const Json* value = find_key(object, key);
  return value && value->is_boolean() ? value->get<bool>() : fallback;
}

std::vector<std::string> get_strings(const Json& object, std::string_view key) {
  std::vector<std::string> strings;
  if (const Json* value = find_key(object, key); value && value->is_array())
    for (const Json& item : *value)
      if (item.is_string()) strings.push_back(item.get<std::string>());
  return strings;
}

}  // namespace consort

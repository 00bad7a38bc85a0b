#include "serve/http/request.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace consort::serve::http {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string percent_decode(std::string_view text, Plus plus) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high >= 0 && low >= 0) {
        decoded += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    decoded += text[i] == '+' && plus == Plus::is_space ? ' ' : text[i];
  }
  return decoded;
}

Query::Query(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    pairs_.emplace_back(percent_decode(pair.substr(0, equals), Plus::is_space),
                        percent_decode(pair.substr(std::min(equals + 1, pair.size())), Plus::is_space));
  }
}

const std::string* Query::find(std::string_view key) const {
  const auto found = std::ranges::find(pairs_, key, [](const auto& pair) -> std::string_view { return pair.first; });
  return found == pairs_.end() ? nullptr : &found->second;
}

std::string Query::text(std::string_view key, std::string_view fallback) const {
  const std::string* value = find(key);
  return value ? *value : std::string(fallback);
}

std::vector<std::string> Query::all(std::string_view key) const {
  std::vector<std::string> values;
  for (const auto& [name, value] : pairs_)
    if (name == key) values.push_back(value);
  return values;
}

std::string_view Request::header(std::string_view lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? std::string_view() : found->second;
}

bool Request::header_has(std::string_view lower_case_name, std::string_view word) const {
  for (const std::string& part : split(header(lower_case_name), ','))
    if (to_lower(trim(part)) == to_lower(word)) return true;
  return false;
}

}  // namespace consort::serve::http

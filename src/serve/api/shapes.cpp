#include "serve/api/shapes.hpp"

#include "base/sha256.hpp"

namespace consort::serve {

std::string go_time(const std::optional<SystemTime>& time) {
  if (!time) return "0001-01-01T00:00:00Z";
  std::string text = format_rfc3339(*time);
  text.pop_back();  // "Z"
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text + "Z";
}

std::int64_t unix_seconds(SystemTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

Json or_null(const std::vector<std::string>& list) {
  return list.empty() ? Json(nullptr) : Json(list);
}

Json strings_of(const std::vector<std::string>& list) {
  return list.empty() ? Json::array() : Json(list);
}

Json map_of(const engine::StringMap& map) {
  Json object = Json::object();
  for (const auto& [key, value] : map) object[key] = value;
  return object;
}

std::string builtin_network_id(const std::string& name) {
  return sha256_hex("consort/network/" + name);
}

std::string endpoint_id(const std::string& container_id, const std::string& network_id) {
  return sha256_hex(container_id + "/" + network_id);
}

}  // namespace consort::serve

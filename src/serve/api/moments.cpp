#include "serve/api/moments.hpp"

#include "base/strings.hpp"
#include "base/time_range.hpp"
#include "serve/api/call.hpp"
#include "serve/api/filters.hpp"

namespace consort::serve {

namespace {

// The digits after the point, as nanoseconds.
std::optional<std::uint64_t> fraction_of(std::string text) {
  if (text.empty()) return 0;
  constexpr std::size_t digits = 9;
  text.resize(digits, '0');
  return parse_unsigned(text);
}

}  // namespace

Result<std::optional<SystemTime>> parse_moment(const char* name, const std::string& text) {
  if (text.empty() || text == "0") return std::nullopt;
  const std::size_t point = text.find('.');
  const auto seconds = parse_signed(text.substr(0, point));
  const auto fraction = point == std::string::npos ? 0 : fraction_of(text.substr(point + 1));
  if (seconds && fraction) {
    if (*seconds < 0) return std::nullopt;
    return time_of_epoch(*seconds, Nanoseconds(static_cast<std::int64_t>(*fraction)));
  }
  if (const auto time = parse_rfc3339(text)) return *time;
  if (const auto ago = parse_duration(text)) return time_after(system_now(), -*ago);
  return fail(http_error(400, std::string("invalid value for \"") + name + "\": \"" + text + "\""));
}

Result<std::optional<SystemTime>> until_of(const Filters& filters, const std::string& key) {
  const std::vector<std::string>& values = filters.values(key);
  // Without a given time, a prune must not remove everything.
  if (filters.is_empty_list(key)) return fail(http_error(400, "invalid filter '" + key + "'"));
  if (values.empty()) return std::nullopt;
  if (values.size() > 1) return fail(http_error(400, "more than one " + key + " filter specified"));
  const std::string& text = values.front();
  if (text == "0") return system_now();  // so long ago
  if (const std::optional<SystemTime> moment = parse_moment(key.c_str(), text).value_or(std::nullopt)) return moment;
  return fail(http_error(400, "failed to parse value as time or duration: \"" + text + "\""));
}

}  // namespace consort::serve

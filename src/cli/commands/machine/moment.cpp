#include "cli/commands/machine/moment.hpp"

#include <algorithm>
#include <ctime>
#include <optional>

#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "base/time_range.hpp"

namespace consort::cli {

namespace {

// Converts a local time that is stored as if it were UTC to the real moment.
SystemTime from_local(SystemTime shown) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(shown);
  const std::time_t number = seconds.time_since_epoch().count();
  std::tm fields{};
  ::gmtime_r(&number, &fields);
  fields.tm_isdst = -1;
  return time_of_epoch(std::mktime(&fields), shown - seconds);
}

// Parses RFC 3339 and Docker's shorter forms: without seconds, minutes or time of day ("2024-01-02T13"), and without a
// time zone, which means local time.
std::optional<SystemTime> parse_date(const std::string& text) {
  constexpr std::size_t date = 10, hour = 13, minute = 16;
  if (text.size() < date) return std::nullopt;
  const std::size_t zone_at = std::min(text.find_first_of("Z+-", date), text.size());
  std::string body = text.substr(0, zone_at);
  const std::string zone = text.substr(zone_at);
  if (body.size() == date) body += "T00";
  if (body.size() == hour) body += ":00";
  if (body.size() == minute) body += ":00";
  if (!zone.empty()) return parse_rfc3339(body + zone);
  const auto shown = parse_rfc3339(body + "Z");
  return shown ? std::optional(from_local(*shown)) : std::nullopt;
}

}  // namespace

Result<SystemTime> parse_moment(const std::string& text, SystemTime now) {
  const std::size_t dot = text.find('.');
  if (const auto seconds = parse_unsigned(std::string_view(text).substr(0, dot));
      seconds && (dot == std::string::npos || parse_unsigned(std::string_view(text).substr(dot + 1)))) {
    std::string fraction = dot == std::string::npos ? "" : text.substr(dot + 1);
    fraction.resize(9, '0');
    const Nanoseconds part(saturated<std::int64_t>(parse_unsigned(fraction).value_or(0)));
    return time_of_epoch(saturated<std::int64_t>(*seconds), part);
  }
  if (const auto time = parse_date(text)) return *time;
  if (const auto duration = parse_duration(text)) return time_after(now, -*duration);
  return fail(Error(Code::invalid, "failed to parse value as time or duration: \"" + text + "\"")
                  .hint("write 2024-01-02T13:23:37Z or 42m"));
}

}  // namespace consort::cli

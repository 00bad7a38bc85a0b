#include "cli/commands/moment.hpp"

#include "base/strings.hpp"

namespace consort::cli {

Result<SystemTime> parse_moment(const std::string& text, SystemTime now) {
  const std::size_t dot = text.find('.');
  if (const auto seconds = parse_unsigned(std::string_view(text).substr(0, dot));
      seconds && (dot == std::string::npos || parse_unsigned(std::string_view(text).substr(dot + 1)))) {
    std::string fraction = dot == std::string::npos ? "" : text.substr(dot + 1);
    fraction.resize(9, '0');
    return SystemTime(std::chrono::seconds(*seconds) + Nanoseconds(parse_unsigned(fraction).value_or(0)));
  }
  if (const auto time = parse_rfc3339(text)) return *time;
  if (const auto duration = parse_duration(text)) return now - *duration;
  return fail(Error(Code::invalid, "failed to parse value as time or duration: \"" + text + "\"")
                  .hint("write 2024-01-02T13:23:37Z or 42m"));
}

}  // namespace consort::cli

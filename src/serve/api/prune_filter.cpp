#include "serve/api/prune_filter.hpp"

#include "base/narrow.hpp"
#include "base/strings.hpp"

namespace consort::serve {

Result<std::optional<SystemTime>> created_before(const Filters& filters) {
  const auto& values = filters.values("until");
  if (values.empty()) return std::nullopt;
  if (values.size() > 1) return fail(http_error(400, "more than one until filter specified"));
  const std::string& text = values.front();
  // Seconds beyond the year 2262 do not fit.
  if (const auto seconds = parse_unsigned(text))
    return SystemTime(std::chrono::seconds(std::min<std::uint64_t>(*seconds, INT64_MAX / 1'000'000'000)));
  if (const auto time = parse_rfc3339(text)) return *time;
  if (const auto ago = parse_duration(text)) return system_now() - *ago;
  return fail(http_error(400, "failed to parse value as time or duration: \"" + text + "\""));
}

}  // namespace consort::serve

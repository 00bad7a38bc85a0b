// A time zone file, followed by a separator line and a cron expression: whatever is accepted must give increasing
// times.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/clock/cron.hpp"

using namespace consort;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string_view expression = "30 2 * * *";
  constexpr std::string_view word = "cron ";
  if (text.starts_with(word)) {
    const std::size_t end = text.find('\n');
    expression = text.substr(word.size(), end == std::string_view::npos ? end : end - word.size());
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  const auto zone = TimeZone::parse(text);
  const auto cron = Cron::parse(expression);
  if (!cron) return 0;
  const TimeZone used = zone ? *zone : TimeZone();
  Seconds now = 1'795'000'000;
  for (int i = 0; i < 5; ++i) {
    const auto next = cron->next(now, used);
    if (!next) break;
    if (*next <= now) __builtin_trap();
    now = *next;
  }
  return 0;
}

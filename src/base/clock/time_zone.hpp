// Time zones by their IANA names, from the files of tzdata (TZif, RFC 8536): what local time it is at an instant, and
// at which instant it is a local time. Daylight saving makes some local times come twice and others not at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort {

using Seconds = std::int64_t;  // since 1970: of UTC for an instant, of the zone's clocks for a local time

class TimeZone {
 public:
  TimeZone() = default;  // UTC
  // "Europe/Berlin". Code::not_found for what is no zone of this machine, whatever is wrong with it.
  static Result<TimeZone> load(const std::string& name, const std::string& folder = "/usr/share/zoneinfo");
  static Result<TimeZone> parse(std::string_view tzif);

  Seconds local(Seconds instant) const { return instant + offset(instant); }
  // The instants at which the clocks show that time: one, or two when they are set back. A time that is left out when
  // they are set forward is taken as they would have shown it: half past two is then half past three.
  struct Instants {
    Seconds first = 0;
    std::optional<Seconds> second;
  };
  Instants instants(Seconds local) const;
  // Whether the clocks are set in (from, to].
  bool changes_within(Seconds from, Seconds to) const;

 private:
  struct Change {
    Seconds at = 0;
    Seconds offset = 0;  // from then on
  };
  Seconds offset(Seconds instant) const;
  void add_rule(std::string_view rule);

  Seconds first_offset_ = 0;
  std::vector<Change> changes_;
};

// Whole days since 1970 of a date of the Gregorian calendar, and back.
Seconds days_of_date(std::int64_t year, int month, int day);
struct Date {
  std::int64_t year = 1970;
  int month = 1;
  int day = 1;
};
Date date_of_days(Seconds days);
int week_day(Seconds days);  // 0 is Sunday

}  // namespace consort

// Time zones by IANA name, read from the tzdata files (TZif, RFC 8536). Converts between instants and local times. With
// daylight saving time, some local times occur twice and others not at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort {

using Seconds = std::int64_t;  // since 1970: in UTC for an instant, in the zone's local time for a local time

class TimeZone {
 public:
  TimeZone() = default;  // UTC
  // "Europe/Berlin". Code::not_found if this machine has no valid zone of that name, whatever the reason.
  static Result<TimeZone> load(const std::string& name, const std::string& directory = "/usr/share/zoneinfo");
  static Result<TimeZone> parse(std::string_view tzif);

  Seconds local(Seconds instant) const { return instant + offset(instant); }
  // The instants at which local clocks show this time: one, or two if it is repeated when clocks are set back. For a
  // time that is skipped when clocks are set forward, the old offset is used: half past two becomes half past three.
  struct Instants {
    Seconds first = 0;
    std::optional<Seconds> second;
  };
  Instants instants(Seconds local) const;
  // Whether the offset changes within (from, to].
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

// Days since 1970 of a date in the Gregorian calendar, and the reverse.
Seconds days_of_date(std::int64_t year, int month, int day);
struct Date {
  std::int64_t year = 1970;
  int month = 1;
  int day = 1;
};
Date date_of_days(Seconds days);
int week_day(Seconds days);  // 0 is Sunday

}  // namespace consort

// Cron schedules: computes when a job is due, from the usual five fields, in the local time of a time zone.
//
//   minute 0-59, hour 0-23, day of the month 1-31, month 1-12, day of the week 0-7 (0 and 7 are Sunday); each a number,
//   a list "1,15", a range "1-5", or a step "*/10", "0-30/10". If both day fields are restricted, it is enough that one
//   of them matches.
//
// When clocks are set forward, runs that fall into the skipped hour are delayed by the same amount; when clocks are set
// back, a time that occurs twice counts once. If the hour field is "every hour", the schedule is treated as an interval
// rather than a time of day and continues without a gap: the repeated hour counts twice.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock/time_zone.hpp"

namespace consort {

class Cron {
 public:
  static Result<Cron> parse(std::string_view text);
  // The first due time after `instant`; nullopt if there is none.
  std::optional<Seconds> next(Seconds instant, const TimeZone& zone) const;
  // As systemd calendar expressions ("Mon,Tue *-*-* 03:00:00"), without a time zone. Two if either day field may match.
  std::vector<std::string> calendars() const;

 private:
  bool day_fits(Seconds days) const;
  std::optional<Seconds> next_local(Seconds local) const;  // strictly after `local`; ignores clock changes

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> week_days_;
  bool any_day_ = false;
  bool any_week_day_ = false;
};

}  // namespace consort

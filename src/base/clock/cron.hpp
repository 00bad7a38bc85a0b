// When a job is due: five fields as cron has them, read on the clocks of a time zone.
//
//   minute 0-59, hour 0-23, day of the month 1-31, month 1-12, day of the week 0-7 (0 and 7 are Sunday); each a number,
//   a list "1,15", a range "1-5", or a step "*/10", "0-30/10". If both day fields are restricted, one of them is
//   enough.
//
// When clocks are set forward, what falls into the hour that is left out is due that much later; when they are set
// back, a time that comes twice counts once. With every hour in the hour field it is a rhythm rather than a time of
// day, and goes on without a gap: the hour that comes twice counts twice.
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
  // The first time after `instant`; nothing if there never is one.
  std::optional<Seconds> next(Seconds instant, const TimeZone& zone) const;
  // As systemd writes times ("Mon,Tue *-*-* 03:00:00"), without a zone. Two where one of both day fields is enough.
  std::vector<std::string> calendars() const;

 private:
  bool day_fits(Seconds days) const;
  std::optional<Seconds> next_local(Seconds local) const;  // after it, on clocks that nobody sets

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> week_days_;
  bool any_day_ = false;
  bool any_week_day_ = false;
};

}  // namespace consort

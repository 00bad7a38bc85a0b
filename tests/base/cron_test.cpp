#include "base/clock/cron.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace consort {
namespace {

constexpr Seconds hour = 3600;

Seconds at(std::int64_t year, int month, int day, int hours = 0, int minutes = 0) {
  return days_of_date(year, month, day) * 86400 + hours * hour + minutes * 60;
}

// The error message, or "".
std::string fault(const char* text) {
  const auto parsed = Cron::parse(text);
  return parsed ? "" : parsed.error().message();
}

std::vector<Seconds> fires(const char* text, const TimeZone& zone, Seconds from, Seconds to) {
  const Cron cron = *Cron::parse(text);
  std::vector<Seconds> all;
  for (auto next = cron.next(from, zone); next && *next <= to; next = cron.next(*next, zone)) all.push_back(*next);
  return all;
}

TEST(Cron, ReadsFiveFieldsAndNothingElse) {
  for (const char* good : {"* * * * *", "0 0 1 1 0", "59 23 31 12 7", "1,15 */2 1-5 * *", "0-30/10 * * * 1-5"})
    EXPECT_EQ(fault(good), "") << good;
  for (const char* bad : {"", "@daily", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
                          "* * * * 8", "* * * * mon", "* * * jan *", "5-1 * * * *", "*/0 * * * *", "5/10 * * * *",
                          "1,,2 * * * *", "*  * * * *", "-1 * * * *", "1-2-3 * * * *", "99999999999 * * * *"})
    EXPECT_NE(fault(bad), "") << bad;
  EXPECT_NE(fault("0 0 30 2 *"), "");
  EXPECT_EQ(fault("0 0 29 2 *"), "");
}

TEST(Cron, TakesEitherDayWhereBothAreRestricted) {
  // 2026-11-01 is a Sunday. Due on the 13th and on each Friday (5).
  const auto days = fires("0 0 13 * 5", TimeZone(), at(2026, 11, 1), at(2026, 11, 30));
  EXPECT_EQ(days, (std::vector<Seconds>{at(2026, 11, 6), at(2026, 11, 13), at(2026, 11, 20), at(2026, 11, 27)}));
  EXPECT_EQ(fires("0 0 * * 7", TimeZone(), at(2026, 11, 2), at(2026, 11, 9)),
            fires("0 0 * * 0", TimeZone(), at(2026, 11, 2), at(2026, 11, 9)));
}

TEST(Cron, CountsOnTheClocksOfItsZone) {
  const auto paris = TimeZone::load("Europe/Paris");
  if (!paris) GTEST_SKIP() << "no tzdata";
  EXPECT_EQ(Cron::parse("0 3 * * *")->next(at(2027, 1, 10), *paris), at(2027, 1, 10, 2));
  EXPECT_EQ(Cron::parse("0 3 * * *")->next(at(2027, 7, 10), *paris), at(2027, 7, 10, 1));
  EXPECT_EQ(TimeZone::load("Mars/Olympus").error().code(), Code::not_found);
  EXPECT_FALSE(TimeZone::load("../../../etc/passwd"));
  EXPECT_FALSE(TimeZone::load("tzdata.zi"));
}

TEST(Cron, HasOneRunADayWhereClocksAreSet) {
  const auto berlin = TimeZone::load("Europe/Berlin");
  if (!berlin) GTEST_SKIP() << "no tzdata";
  // Clocks go forward on 28 March 2027 at 2:00, which is 1:00 UTC, and back on 31 October at 3:00, which is 1:00 UTC.
  EXPECT_EQ(fires("30 2 * * *", *berlin, at(2027, 3, 26, 12), at(2027, 3, 29, 12)),
            (std::vector<Seconds>{at(2027, 3, 27, 1, 30), at(2027, 3, 28, 1, 30), at(2027, 3, 29, 0, 30)}));
  EXPECT_EQ(fires("30 2 * * *", *berlin, at(2027, 10, 29, 12), at(2027, 11, 1, 12)),
            (std::vector<Seconds>{at(2027, 10, 30, 0, 30), at(2027, 10, 31, 0, 30), at(2027, 11, 1, 1, 30)}));
  // An interval continues: 48 half hours in 24 hours, whatever the clocks show.
  for (const Seconds begin : {at(2027, 3, 27, 12), at(2027, 10, 30, 12)}) {
    const auto all = fires("*/30 * * * *", *berlin, begin, begin + 24 * hour);
    ASSERT_EQ(all.size(), 48U);
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], begin + static_cast<Seconds>(i + 1) * 1800);
  }
}

// Every day of a zone has exactly one half past two, or a replacement for it.
TEST(Cron, MissesNoDayInTenYearsOfAnyKindOfZone) {
  for (const char* name : {"UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca",
                           "Antarctica/Troll", "Asia/Kathmandu", "America/Santiago"}) {
    const auto zone = TimeZone::load(name);
    if (!zone) GTEST_SKIP() << "no tzdata";
    const Seconds first = days_of_date(2026, 1, 1);
    const Seconds last = days_of_date(2036, 1, 1);
    const auto all = fires("30 2 * * *", *zone, first * 86400, last * 86400);
    EXPECT_NEAR(static_cast<double>(all.size()), static_cast<double>(last - first), 1) << name;
    Seconds previous = 0;
    for (const Seconds each : all) {
      const Seconds day = zone->local(each) / 86400;
      EXPECT_TRUE(previous == 0 || day == previous + 1) << name << " " << each;
      previous = day;
      const Seconds of_day = zone->local(each) % 86400;
      EXPECT_TRUE(of_day == 9000 || (of_day > 9000 && of_day <= 9000 + 2 * hour)) << name << " " << of_day;
    }
  }
}

TEST(TimeZone, GoesOnByTheRuleBehindTheLastChange) {
  const auto berlin = TimeZone::load("Europe/Berlin");
  if (!berlin) GTEST_SKIP() << "no tzdata";
  EXPECT_EQ(berlin->local(at(2150, 7, 1)) - at(2150, 7, 1), 2 * hour);
  EXPECT_EQ(berlin->local(at(2150, 1, 1)) - at(2150, 1, 1), hour);
  EXPECT_FALSE(TimeZone::parse("TZif2"));
  EXPECT_FALSE(TimeZone::parse(""));
}

}  // namespace
}  // namespace consort

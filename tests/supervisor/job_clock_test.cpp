#include "supervisor/clock/job_clock.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace consort::supervisor {
namespace {

constexpr Seconds hour = 3600;
constexpr Seconds day = 24 * hour;
const Seconds begin = days_of_date(2026, 11, 17) * day;

JobTiming timing(const char* name, const char* cron, const char* zone = "UTC") {
  JobTiming made;
  made.name = name;
  made.cron = cron;
  made.timezone = zone;
  return made;
}

std::size_t fires_of(JobClock& clock, Seconds now) {
  return clock.take_due(now).size();
}

// Ten years in which the supervisor is sometimes replaced, sometimes wakes up late, and is sometimes away for a while.
TEST(JobClock, MissesAndDoublesNothingInTenYears) {
  const std::vector<JobTiming> jobs{timing("nightly", "30 2 * * *", "Europe/Berlin"),
                                    timing("often", "15 */6 * * *", "America/New_York"),
                                    timing("monthly", "0 4 1 * *", "Australia/Lord_Howe")};
  if (!TimeZone::load("Europe/Berlin")) GTEST_SKIP() << "no tzdata";
  const Seconds end = begin + 3652 * day;
  JobClock clock;
  clock.set(jobs, {}, begin);
  std::map<std::string, std::vector<Seconds>> runs;
  Seconds now = begin;
  for (std::uint64_t i = 0; clock.next() && *clock.next() <= end; ++i) {
    now = std::max(now, *clock.next()) + static_cast<Seconds>(i % 7);
    for (const JobClock::Fire& fire : clock.take_due(now)) runs[fire.job].push_back(fire.due);
    if (i % 97 != 0) continue;
    const DueTimes kept = clock.due_times();
    clock = JobClock();
    clock.set(jobs, kept, now + static_cast<Seconds>(i % 40));
  }
  for (const JobTiming& job : jobs) {
    const Cron cron = *Cron::parse(job.cron);
    const TimeZone zone = *TimeZone::load(job.timezone);
    std::vector<Seconds> wanted;
    for (auto next = cron.next(begin, zone); next && *next <= end; next = cron.next(*next, zone))
      wanted.push_back(*next);
    EXPECT_EQ(runs[job.name], wanted) << job.name;
  }
  EXPECT_NEAR(static_cast<double>(runs["nightly"].size()), 3652, 1);
  EXPECT_NEAR(static_cast<double>(runs["often"].size()), 3652 * 4, 1);
}

TEST(JobClock, RunsOnceForAllThatWasMissed) {
  JobClock clock;
  clock.set({timing("a", "0 * * * *")}, {}, begin);
  const DueTimes kept = clock.due_times();
  JobTiming skipping = timing("b", "0 * * * *");
  skipping.missed = MissedFires::skip;
  DueTimes both = kept;
  both["b"] = kept.at("a");
  const Seconds back = begin + 3 * day + 100;
  JobClock later;
  later.set({timing("a", "0 * * * *"), skipping}, both, back);
  const auto fires = later.take_due(back);
  ASSERT_EQ(fires.size(), 1U);
  EXPECT_EQ(fires[0].job, "a");
  EXPECT_EQ(fires[0].due, begin + hour);
  EXPECT_EQ(*later.next(), begin + 3 * day + hour);
  EXPECT_EQ(fires_of(later, back), 0U);
}

TEST(JobClock, StartsAnewWithAnotherSchedule) {
  JobClock clock;
  clock.set({timing("a", "0 * * * *")}, {}, begin);
  const DueTimes kept = clock.due_times();
  clock.set({timing("a", "30 * * * *")}, kept, begin + 2 * hour);
  EXPECT_EQ(fires_of(clock, begin + 2 * hour), 0U);
  EXPECT_EQ(*clock.next(), begin + 2 * hour + 1800);
}

TEST(JobClock, RestsWhilePausedAndCatchesUpWithNothing) {
  JobTiming paused = timing("a", "0 * * * *");
  paused.paused = true;
  JobClock clock;
  clock.set({timing("a", "0 * * * *")}, {}, begin);
  clock.set({paused}, clock.due_times(), begin + 60);
  EXPECT_FALSE(clock.is_armed());
  EXPECT_EQ(fires_of(clock, begin + day), 0U);
  clock.set({timing("a", "0 * * * *")}, clock.due_times(), begin + day + 60);
  EXPECT_EQ(fires_of(clock, begin + day + 60), 0U);
  EXPECT_EQ(*clock.next(), begin + day + hour);
}

TEST(JobClock, SkipsTheNextForARunThatStandsForIt) {
  JobClock clock;
  clock.set({timing("a", "0 * * * *")}, {}, begin);
  clock.skip_next("a", begin + 60);
  EXPECT_EQ(*clock.next(), begin + 2 * hour);
  const DueTimes kept = clock.due_times();
  JobClock successor;
  successor.set({timing("a", "0 * * * *")}, kept, begin + 120);
  EXPECT_EQ(*successor.next(), begin + 2 * hour);
}

TEST(JobClock, ForgetsAClockThatWasFarAhead) {
  JobClock clock;
  clock.set({timing("a", "0 * * * *")}, {}, begin + 3650 * day);
  EXPECT_EQ(fires_of(clock, begin), 0U);
  EXPECT_EQ(*clock.next(), begin + hour);
  // A job is not run twice in an hour that occurs twice.
  EXPECT_EQ(fires_of(clock, begin + hour), 1U);
  EXPECT_EQ(fires_of(clock, begin + 60), 0U);
  EXPECT_EQ(*clock.next(), begin + 2 * hour);
}

TEST(JobClock, HasNoTimeForJobsByHand) {
  JobClock clock;
  clock.set({timing("a", "")}, {}, begin);
  EXPECT_FALSE(clock.next());
  EXPECT_NE(clock.find("a"), nullptr);
  EXPECT_EQ(clock.find("b"), nullptr);
}

TEST(JobTiming, IsReadWithoutTrust) {
  EXPECT_FALSE(timing_from_json("{}"));
  EXPECT_FALSE(timing_from_json("[1]"));
  const auto read = timing_from_json(R"({"name":"a","cron":"* * * * *","missed_fires":"skip","paused":true})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->missed, MissedFires::skip);
  EXPECT_TRUE(read->paused);
}

}  // namespace
}  // namespace consort::supervisor

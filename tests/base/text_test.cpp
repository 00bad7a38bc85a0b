#include <gtest/gtest.h>

#include <limits>

#include "base/json.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "base/time_range.hpp"

namespace consort {
namespace {

using namespace std::chrono_literals;

TEST(Duration, IsWrittenAsGoWritesIt) {
  EXPECT_EQ(format_duration(0ns), "0s");
  EXPECT_EQ(format_duration(60s), "1m0s");
  EXPECT_EQ(format_duration(90min), "1h30m0s");
  EXPECT_EQ(format_duration(500ms), "500ms");
  EXPECT_EQ(format_duration(100us), "100µs");
  EXPECT_EQ(format_duration(1500ms), "1.5s");
  EXPECT_EQ(format_duration(168h), "168h0m0s");
  EXPECT_EQ(format_duration(-5s), "-5s");
}

TEST(Duration, IsReadAsComposeReadsIt) {
  EXPECT_EQ(parse_duration("1m30s"), Nanoseconds(90s));
  EXPECT_EQ(parse_duration("1s1m"), Nanoseconds(61s));
  EXPECT_EQ(parse_duration("1.5h"), Nanoseconds(90min));
  EXPECT_EQ(parse_duration("+2w"), Nanoseconds(336h));
  EXPECT_EQ(parse_duration("0"), Nanoseconds(0));
  for (const char* bad : {"", "10", "s", "1 s", "1x", "1s2", "--1s", "1.2.3s", "99999999999999w"})
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
}

TEST(Time, RoundTripsThroughRfc3339) {
  const auto time = parse_rfc3339("2026-11-22T16:56:41.081514164Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(format_rfc3339(*time), "2026-11-22T16:56:41.081514164Z");
  EXPECT_EQ(format_rfc3339(*parse_rfc3339("2026-11-22T18:56:41+02:00")), "2026-11-22T16:56:41.000000000Z");
  EXPECT_EQ(format_rfc3339_seconds(*parse_rfc3339("2026-11-22")), "2026-11-22T00:00:00Z");
  for (const char* bad : {"", "2026", "2026-13-01", "2026-11-22T1", "2026-11-22T16:56:41Zx"})
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
}

// They must not wrap to a time in another century when converted to nanoseconds in 64 bits.
TEST(Time, OutsideOfWhatItCanHoldIsTheNearest) {
  for (const char* late : {"2262-04-12", "9999-12-31T23:59:59Z", "2262-04-11T99:99:99-99:99"})
    EXPECT_EQ(parse_rfc3339(late), latest_time) << late;
  for (const char* early : {"0001-01-01T00:00:00Z", "1677-09-21T23:59:59Z", "1677-09-22T00:00:00+23:59"})
    EXPECT_EQ(parse_rfc3339(early), earliest_time) << early;
  EXPECT_EQ(time_of_epoch(1'700'000'000'000), latest_time);
  EXPECT_EQ(time_of_epoch(std::numeric_limits<std::int64_t>::min()), earliest_time);
  EXPECT_EQ(time_of_epoch(1, 5ns), SystemTime(1s + 5ns));
  EXPECT_EQ(time_after(system_now(), Nanoseconds::max()), latest_time);
  EXPECT_EQ(time_after(SystemTime(-1s), Nanoseconds::min()), earliest_time);
  EXPECT_EQ(time_between(earliest_time, latest_time), Nanoseconds::max());
  EXPECT_EQ(time_between(latest_time, earliest_time), Nanoseconds::min());
  EXPECT_EQ(time_between(SystemTime(3s), SystemTime(1s)), -2s);
  EXPECT_EQ(format_rfc3339_seconds(earliest_time), "1677-09-22T00:00:00Z");
  EXPECT_EQ(format_rfc3339_seconds(latest_time), "2262-04-11T00:00:00Z");
}

TEST(Time, HowLongAgoIsSaidAsPsSaysIt) {
  EXPECT_EQ(human_duration(0s), "Less than a second");
  EXPECT_EQ(human_duration(4s), "4 seconds");
  EXPECT_EQ(human_duration(61s), "About a minute");
  EXPECT_EQ(human_duration(3h), "3 hours");
  EXPECT_EQ(human_duration(72h), "3 days");
}

TEST(Bytes, AreShortAndInTheRightUnit) {
  EXPECT_EQ(human_bytes_decimal(453'000'000), "453MB");
  EXPECT_EQ(human_bytes_decimal(12), "12B");
  EXPECT_EQ(human_bytes_binary(1536), "1.5KiB");
}

TEST(Strings, NearestForgivesAMisprintButNotAnotherWord) {
  const std::vector<std::string> known{"environment", "image", "ports", "healthcheck"};
  EXPECT_EQ(nearest("enviroment", known), "environment");
  EXPECT_EQ(nearest("imgae", known), "image");
  EXPECT_EQ(nearest("Ports", known), "ports");
  EXPECT_EQ(nearest("frobnicate", known), std::nullopt);
}

TEST(Strings, ShellQuoteKeepsPlainWordsPlain) {
  EXPECT_EQ(shell_quote("a/b:c"), "a/b:c");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quote(""), "''");
}

TEST(Strings, NumbersAreWholeOrNothing) {
  EXPECT_EQ(parse_unsigned("80"), 80u);
  for (const char* bad : {"", "-1", "+1", "1 ", "0x1", "99999999999999999999"})
    EXPECT_FALSE(parse_unsigned(bad)) << bad;
}

TEST(Sha256, MatchesTheKnownValueOfNothing) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Json, RefusesDeepNestingAndSaysWhatItRead) {
  EXPECT_FALSE(parse_json(std::string(100'000, '['), "x"));
  const Result<Json> bad = parse_json("{", "manifest of x");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message().find("manifest of x"), std::string::npos);
  EXPECT_NE(bad.error().message().find("parse error at line 1"), std::string::npos);
  EXPECT_EQ(bad.error().message().find("json.exception"), std::string::npos);
}

// They must not be truncated to their low 64 bits: for the largest number these are -1, which often means "no limit".
TEST(Json, NumbersBeyondIntegersAreTheNearest) {
  const Json value = *parse_json(R"({"most": 18446744073709551615, "huge": 1e300, "tiny": -1e300, "half": 2.5})", "x");
  EXPECT_EQ(get_int(value, "most"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(get_int(value, "huge"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(get_int(value, "tiny"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(get_int(value, "half"), 2);
}

TEST(Json, LooksNeverThrow) {
  const Json value = *parse_json(R"({"a": [1, "x"], "s": 5})", "x");
  EXPECT_EQ(get_string(value, "s"), "");
  EXPECT_EQ(get_strings(value, "a"), std::vector<std::string>{"x"});
  EXPECT_EQ(find_key(value["a"], "b"), nullptr);
}

}  // namespace
}  // namespace consort

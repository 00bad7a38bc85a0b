#include "base/narrow.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

namespace consort {
namespace {

TEST(Narrow, NothingIsCut) {
  EXPECT_EQ(fitting<std::uint16_t>(65535), 65535);
  EXPECT_EQ(fitting<std::uint16_t>(65536), std::nullopt);
  EXPECT_EQ(fitting<std::uint32_t>(-1), std::nullopt);
  EXPECT_EQ(fitting<int>(std::uint64_t{1} << 32), std::nullopt);
  EXPECT_EQ(fitting<std::int64_t>(UINT64_MAX), std::nullopt);
}

TEST(Narrow, TheNearestIsTaken) {
  EXPECT_EQ(saturated<int>(std::int64_t{4294967297}), INT32_MAX);
  EXPECT_EQ(saturated<int>(INT64_MIN), INT32_MIN);
  EXPECT_EQ(saturated<unsigned>(-5), 0u);
  EXPECT_EQ(saturated<unsigned>(UINT64_MAX), UINT32_MAX);
  EXPECT_EQ(saturated<int>(std::uint8_t{7}), 7);
}

TEST(Narrow, OfFloatingPointNumbers) {
  EXPECT_EQ(saturated<std::int64_t>(1e300), INT64_MAX);
  EXPECT_EQ(saturated<std::int64_t>(std::pow(2.0, 63)), INT64_MAX);
  EXPECT_EQ(saturated<std::int64_t>(-1e300), INT64_MIN);
  EXPECT_EQ(saturated<std::int64_t>(-2.9), -2);
  EXPECT_EQ(saturated<std::uint8_t>(256.5F), 255);
  EXPECT_EQ(saturated<int>(std::nan("")), 0);
}

}  // namespace
}  // namespace consort

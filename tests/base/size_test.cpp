// Sizes that Docker's programs accept: the values are those of the Go library that all of them use.
#include "base/size.hpp"

#include "base/limit_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace consort {
namespace {

TEST(Sizes, AreReadAsDockerReadsThem) {
  for (const auto& [text, bytes] : {std::pair<std::string, std::int64_t>("32", 32),
                                    {"32b", 32},
                                    {"32kb", 32 << 10},
                                    {"32 KiB", 32 << 10},
                                    {"1.5m", 3 << 19},
                                    {"0.5gb", 1 << 29},
                                    {"1t", std::int64_t{1} << 40},
                                    {"2PB", std::int64_t{1} << 51},
                                    {"32.", 32},
                                    {".5k", 512},
                                    {"1e3", 1000},
                                    {"+7", 7},
                                    {"3 ", 3},
                                    {"1_0k", 10 << 10}})
    EXPECT_EQ(parse_size(text).value_or(-1), bytes) << text;
  EXPECT_EQ(parse_size("1.5m", SizeUnits::decimal).value_or(-1), 1500000);
  EXPECT_EQ(parse_size("10KiB", SizeUnits::decimal).value_or(-1), 10000);
}

TEST(Sizes, LimitsAreToldInUnitsThatFit) {
  EXPECT_EQ(limit_text(16 << 20), "16 MiB");
  EXPECT_EQ(limit_text((16 << 20) + 1), "16 MiB");
  EXPECT_EQ(limit_text(4096), "4 KiB");
  EXPECT_EQ(limit_text(std::uint64_t{3} << 30), "3 GiB");
  EXPECT_EQ(limit_text(1500), "1500 bytes");
  EXPECT_EQ(limit_text(1), "1 bytes");
  EXPECT_EQ(limit_text(0), "0 bytes");
}

TEST(Sizes, ThatAreNoneAreToldInDockersWords) {
  for (const auto& [text, words] :
       {std::pair("", "invalid size: ''"), std::pair("hello", "invalid size: 'hello'"),
        std::pair("-1", "invalid size: '-1'"), std::pair("9e9p", "invalid size: '9e9p'"),
        std::pair("32x", "invalid suffix: 'x'"), std::pair("32kib2", "strconv.ParseFloat"),
        std::pair("1KBB", "invalid suffix: 'kbb'"), std::pair("1kbbB", "invalid suffix: 'kbbB'"),
        std::pair("1__0", "strconv.ParseFloat"), std::pair("32  kb", "strconv.ParseFloat"),
        std::pair("bi", "invalid size: 'bi'"), std::pair("+-1", "strconv.ParseFloat")}) {
    const auto size = parse_size(text);
    ASSERT_FALSE(size) << text;
    EXPECT_NE(size.error().message().find(words), std::string::npos) << size.error().message();
  }
}

}  // namespace
}  // namespace consort

#include "build/dockerfile/expand.hpp"

#include <gtest/gtest.h>

#include <map>

namespace consort::build {
namespace {

std::optional<std::string> variable(std::string_view name) {
  static const std::map<std::string, std::string, std::less<>> values{
      {"A", "alpha"}, {"EMPTY", ""}, {"F", "foo.tar.gz"}, {"SPACE", "x y"}, {"STAR", "a*b"}, {"U", "ü-x"}};
  const auto found = values.find(name);
  if (found == values.end()) return std::nullopt;
  return found->second;
}

struct Row {
  const char* input;
  const char* expected;  // "!text": an error that ends with the text
};

TEST(Expand, Table) {
  const Row rows[] = {
      {"plain", "plain"},
      {"$A", "alpha"},
      {"${A}", "alpha"},
      {"x$A.y", "xalpha.y"},
      {"$A_", ""},
      {"$", "$"},
      {"a$", "a$"},
      {"$1x", "x"},
      {"$-", ""},
      {"\\$A", "$A"},
      {"\\\\$A", "\\alpha"},
      {"a\\b", "ab"},
      {"'$A'", "$A"},
      {"\"$A\"", "alpha"},
      {"\"a\\\"b\"", "a\"b"},
      {"\"a\\nb\"", "a\\nb"},
      {"'a'\"b\"c", "abc"},
      {"${A:-x}", "alpha"},
      {"${N:-x}", "x"},
      {"${N-x}", "x"},
      {"${EMPTY-x}", ""},
      {"${EMPTY:-x}", "x"},
      {"${A:+x}", "x"},
      {"${N:+x}", ""},
      {"${EMPTY+x}", "x"},
      {"${EMPTY:+x}", ""},
      {"${N:-$A}", "alpha"},
      {"${N:-${M:-deep}}", "deep"},
      {"${N:-\"a b\"}", "a b"},
      {"${A:?no}", "alpha"},
      {"${N:?no}", "!N: no"},
      {"${N?}", "!N: is not allowed to be unset"},
      {"${EMPTY:?}", "!EMPTY: is not allowed to be empty"},
      {"${F#*.}", "tar.gz"},
      {"${F##*.}", "gz"},
      {"${F%.*}", "foo.tar"},
      {"${F%%.*}", "foo"},
      {"${F%.?z}", "foo.tar"},
      {"${F#nomatch}", "foo.tar.gz"},
      {"${F/o/0}", "f0o.tar.gz"},
      {"${F//o/0}", "f00.tar.gz"},
      {"${F/tar/}", "foo..gz"},
      {"${F//./-}", "foo-tar-gz"},
      {"${F/o*./X}", "fXgz"},
      {"${STAR#a\\*}", "b"},
      {"${U#?}", "-x"},
      {"${A", "!syntax error: missing '}'"},
      {"${", "!syntax error: missing '}'"},
      {"${}", "!syntax error: bad substitution"},
      {"${:x}", "!syntax error: bad substitution"},
      {"${A!x}", "!unsupported modifier (!) in substitution"},
      {"${A:x}", "!unsupported modifier (:x) in substitution"},
      {"'open", "!unexpected end of statement while looking for matching single-quote"},
      {"\"open", "!unexpected end of statement while looking for matching double-quote"},
      {"${A/x", "!syntax error: missing '/' in ${}"},
      {"${A/x/y", "!syntax error: missing '}'"},
  };
  for (const auto& [input, expected] : rows) {
    SCOPED_TRACE(input);
    const auto result = expand(input, variable);
    if (expected[0] == '!') {
      ASSERT_FALSE(result);
      EXPECT_TRUE(result.error().message().ends_with(expected + 1)) << result.error().message();
    } else {
      ASSERT_TRUE(result) << result.error().message();
      EXPECT_EQ(result->text, expected);
    }
  }
}

TEST(Expand, SplitsWordsAfterExpansionButNotInQuotes) {
  const auto result = expand("$SPACE \"$SPACE\" a\\ b", variable);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->words, (std::vector<std::string>{"x", "y", "x y", "a b"}));
}

TEST(Expand, KeepsUnsetVariablesWhenAsked) {
  const auto result = expand("$N ${N} ${N:-x} $A", variable, {.unset = Unset::keep});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->text, "$N ${N} ${N:-x} alpha");
}

TEST(Expand, SaysWhatItUsedAndWhatWasMissing) {
  const auto result = expand("$A ${N:-$F}", variable);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->used, (std::set<std::string>{"A", "F"}));
  EXPECT_EQ(result->missing, (std::set<std::string>{"N"}));
}

TEST(Expand, OtherEscapeCharacter) {
  const auto result = expand("C:\\x `$A", variable, {.escape = '`'});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->text, "C:\\x $A");
}

TEST(Expand, RefusesWhatNestsTooDeep) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "${N:-";
  EXPECT_FALSE(expand(text, variable));
}

}  // namespace
}  // namespace consort::build

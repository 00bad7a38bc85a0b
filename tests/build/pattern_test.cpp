#include "build/context/pattern.hpp"

#include <gtest/gtest.h>

#include "build/dockerfile/wildcard.hpp"
#include "build/exec/mode_change.hpp"

namespace consort::build {
namespace {

struct Row {
  const char* pattern;
  const char* path;
  bool matches;
};

TEST(PathPattern, Table) {
  const Row rows[] = {
      {"a", "a", true},          {"a", "b", false},       {"a", "a/b", false},
      {"*", "a", true},          {"*", "a/b", false},     {"*.go", "x.go", true},
      {"*.go", "d/x.go", false}, {"**", "a/b/c", true},   {"**/x", "x", true},
      {"**/x", "a/b/x", true},   {"**/x", "ax", false},   {"a/**", "a/b/c", true},
      {"a/**", "a", false},      {"a/**/b", "a/b", true}, {"a/**/b", "a/x/y/b", true},
      {"a/**/b", "a/xb", false}, {"a?c", "abc", true},    {"a?c", "a/c", false},
      {"[ab]", "a", true},       {"[^ab]", "a", false},   {"[a-c]x", "bx", true},
      {"a\\*", "a*", true},      {"a\\*", "ab", false},   {"/a/", "a", false},
      {"./a", "a", true},        {"a/../b", "b", true},   {"**/*.txt", "d/e/f.txt", true},
  };
  for (const auto& [pattern, path, matches] : rows) {
    SCOPED_TRACE(std::string(pattern) + " ~ " + path);
    const auto parsed = PathPattern::parse(pattern);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->matches(path), matches);
  }
  EXPECT_FALSE(PathPattern::parse("[a"));
  EXPECT_FALSE(PathPattern::parse("a\\"));
  EXPECT_FALSE(PathPattern::parse("!"));
}

TEST(PatternList, TheLastMatchDecidesAndParentsCount) {
  const auto list = PatternList::parse({"*", "!keep", "keep/not"});
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->matches("other"));
  EXPECT_TRUE(list->matches("other/below"));
  EXPECT_FALSE(list->matches("keep"));
  EXPECT_FALSE(list->matches("keep/below/deep"));
  EXPECT_TRUE(list->matches("keep/not"));
  EXPECT_TRUE(list->matches("keep/not/either"));
}

TEST(PatternList, KnowsWhereSomethingMayBeTakenBack) {
  const auto list = PatternList::parse({"*", "!a/b"});
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->may_take_back_below("a"));
  EXPECT_FALSE(list->may_take_back_below("c"));
}

TEST(IgnoreFile, DropsCommentsAndCleans) {
  EXPECT_EQ(parse_ignore_file("\xEF\xBB\xBF# c\n\n /a/ \n! b\n  c/../d\n"), (std::vector<std::string>{"a", "!b", "d"}));
}

TEST(PathMatch, AsGoDoes) {
  EXPECT_EQ(path_match("a*c", "abbc"), true);
  EXPECT_EQ(path_match("a*c", "ab/c"), false);
  EXPECT_EQ(path_match("*a*b*", "xxaxxbxx"), true);
  EXPECT_EQ(path_match("[]a]", "]"), std::nullopt);
  EXPECT_EQ(path_match("[a", "a"), std::nullopt);
  EXPECT_EQ(path_match("", ""), true);
}

TEST(ModeChange, Table) {
  const auto apply = [](const char* text, mode_t mode) { return ModeChange::parse(text)->apply(mode); };
  EXPECT_EQ(apply("0751", 0100644), 0100751U);
  EXPECT_EQ(apply("+x", 0100644), 0100755U);
  EXPECT_EQ(apply("u=rwX,go=rX", 0100600), 0100644U);
  EXPECT_EQ(apply("u=rwX,go=rX", 0040700), 0040755U);
  EXPECT_EQ(apply("g-w,o-rwx", 0100666), 0100640U);
  EXPECT_EQ(apply("u+s,+t", 0100755), 0105755U);
  EXPECT_FALSE(ModeChange::parse("999"));
  EXPECT_FALSE(ModeChange::parse("77777"));
  EXPECT_FALSE(ModeChange::parse("u"));
  EXPECT_FALSE(ModeChange::parse("u=q"));
}

}  // namespace
}  // namespace consort::build

// Resolves paths below a root, component by component.
#include "base/path_walk.hpp"

#include <gtest/gtest.h>

namespace consort {
namespace {

std::string walked(PathWalk& walk) {
  while (walk.next()) {
  }
  return walk.here();
}

std::string walked(const std::string& path) {
  PathWalk walk(path);
  return walked(walk);
}

TEST(PathWalk, StaysBelowTheRoot) {
  EXPECT_EQ(walked("/a//b/./c/"), "a/b/c");
  EXPECT_EQ(walked("a/../../b"), "b");
  EXPECT_EQ(walked("../.."), "");
  EXPECT_EQ(walked(""), "");
}

TEST(PathWalk, KnowsWhereItIs) {
  PathWalk walk("a/b/");
  ASSERT_TRUE(walk.next());
  EXPECT_EQ(walk.parent(), "");
  EXPECT_EQ(walk.name(), "a");
  EXPECT_FALSE(walk.at_last());
  ASSERT_TRUE(walk.next());
  EXPECT_EQ(walk.parent(), "a");
  EXPECT_TRUE(walk.at_last()) << "what ends in a slash, too";
  EXPECT_FALSE(walk.next());
}

TEST(PathWalk, FollowsLinksFromWhereTheyLie) {
  PathWalk relative("a/link/c");
  ASSERT_TRUE(relative.next() && relative.next());
  ASSERT_TRUE(relative.follow("../b"));
  EXPECT_EQ(walked(relative), "b/c");

  PathWalk absolute("a/link");
  ASSERT_TRUE(absolute.next() && absolute.next());
  ASSERT_TRUE(absolute.follow("/x/y/"));
  ASSERT_TRUE(absolute.next() && absolute.next());
  EXPECT_EQ(absolute.here(), "x/y");
  EXPECT_TRUE(absolute.at_last());
}

TEST(PathWalk, GivesUpOnLinksInACircle) {
  PathWalk walk("loop");
  Result<> followed;
  int links = 0;
  for (; followed && walk.next() && links < 1000; ++links) followed = walk.follow("loop");
  ASSERT_FALSE(followed);
  EXPECT_EQ(followed.error().sys_errno(), ELOOP);
  EXPECT_EQ(links, 41);
}

}  // namespace
}  // namespace consort

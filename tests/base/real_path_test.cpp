#include "base/os/files/real_path.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/os/files/file.hpp"

namespace consort {
namespace {

TEST(RealPath, LinksAndDotsAreResolvedAsFarAsTheyAreThere) {
  std::string pattern = testing::TempDir() + "consort-real-XXXXXX";
  const std::string directory = real_path(::mkdtemp(pattern.data())).value();
  ASSERT_TRUE(make_directories(directory + "/a/b"));
  ASSERT_EQ(::symlink("a", (directory + "/link").c_str()), 0);
  ASSERT_EQ(::symlink("nowhere", (directory + "/dangling").c_str()), 0);
  EXPECT_EQ(real_path(directory + "/link/./b/../b").value_or("?"), directory + "/a/b");
  EXPECT_EQ(real_path_so_far(directory + "/link/b"), directory + "/a/b");
  EXPECT_EQ(real_path_so_far(directory + "/link/new/er"), directory + "/a/new/er");
  EXPECT_EQ(real_path_so_far(directory + "/dangling/x"), directory + "/dangling/x");
  EXPECT_EQ(real_path_so_far("/"), "/");
  EXPECT_EQ(real_path_so_far("/no-such-directory/x"), "/no-such-directory/x");
  const auto missing = real_path(directory + "/link/new", "open build context");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().sys_errno(), ENOENT);
  EXPECT_EQ(missing.error().message(), "open build context " + directory + "/link/new: no such file or directory");
  ASSERT_TRUE(remove_tree(directory));
}

TEST(RealPath, APathLiesInADirectoryOfItsWholeNames) {
  EXPECT_TRUE(lies_below("/a/b", "/a"));
  EXPECT_TRUE(lies_below("/a", "/"));
  for (const char* other : {"/", "/a", "/ab", "/b/a"}) EXPECT_FALSE(lies_below(other, "/a")) << other;
  EXPECT_FALSE(lies_below("/", "/"));
  EXPECT_TRUE(lies_in("/a", "/a"));
  EXPECT_TRUE(lies_in("/", "/"));
  EXPECT_TRUE(lies_in("/a/b", "/"));
  EXPECT_FALSE(lies_in("/ab", "/a"));
  EXPECT_EQ(path_below("/a/b/c", "/a"), "b/c");
  EXPECT_EQ(path_below("/a", "/"), "a");
  EXPECT_EQ(path_below("/a", "/a"), std::nullopt);
  EXPECT_EQ(path_below("/ab/c", "/a"), std::nullopt);
}

}  // namespace
}  // namespace consort

#include "base/os/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace consort {
namespace {

class File : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/consort-file-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { ASSERT_TRUE(remove_tree(folder_)); }
  std::string folder_;
};

TEST_F(File, AtomicWriteLeavesNoTemporaryBehind) {
  ASSERT_TRUE(write_file_atomic(folder_ + "/a", "one", 0600));
  ASSERT_TRUE(write_file_atomic(folder_ + "/a", "two", 0600, Durability::durable));
  EXPECT_EQ(*read_file(folder_ + "/a"), "two");
  EXPECT_EQ(stat_path(folder_ + "/a")->st_mode & 07777, 0600u);
  EXPECT_EQ(::unlink((folder_ + "/a").c_str()), 0);
  EXPECT_EQ(::rmdir(folder_.c_str()), 0);  // works only if nothing else is in it
  ASSERT_TRUE(make_directories(folder_));
}

TEST_F(File, ReadRefusesMoreThanTheLimit) {
  ASSERT_TRUE(write_file_atomic(folder_ + "/a", "12345"));
  EXPECT_EQ(read_file(folder_ + "/a", 4).error().code(), Code::invalid);
  EXPECT_EQ(*read_file(folder_ + "/a", 5), "12345");
}

TEST_F(File, RemoveTreeDoesNotFollowLinks) {
  ASSERT_TRUE(make_directories(folder_ + "/kept"));
  ASSERT_TRUE(write_file_atomic(folder_ + "/kept/file", "x"));
  ASSERT_TRUE(make_directories(folder_ + "/gone/deep/er"));
  ASSERT_EQ(::symlink((folder_ + "/kept").c_str(), (folder_ + "/gone/link").c_str()), 0);
  ASSERT_TRUE(remove_tree(folder_ + "/gone"));
  EXPECT_FALSE(path_exists(folder_ + "/gone"));
  EXPECT_TRUE(path_exists(folder_ + "/kept/file"));
  EXPECT_TRUE(remove_tree(folder_ + "/gone")) << "already gone is success";
}

TEST_F(File, PathsInARootCannotLeaveIt) {
  ASSERT_TRUE(make_directories(folder_ + "/root/etc"));
  ASSERT_TRUE(write_file_atomic(folder_ + "/secret", "host"));
  ASSERT_TRUE(write_file_atomic(folder_ + "/root/etc/passwd", "inside"));
  ASSERT_EQ(::symlink("/etc/passwd", (folder_ + "/root/absolute").c_str()), 0);
  ASSERT_EQ(::symlink("../../../../secret", (folder_ + "/root/escape").c_str()), 0);
  const Fd root = *open_file(folder_ + "/root", O_PATH | O_DIRECTORY);

  const Fd inside = *open_in_root(root.get(), "absolute", O_RDONLY);
  EXPECT_EQ(*read_all(inside.get(), 100), "inside");
  EXPECT_EQ(open_in_root(root.get(), "escape", O_RDONLY).error().sys_errno(), ENOENT);
  EXPECT_EQ(open_in_root(root.get(), "../secret", O_RDONLY).error().sys_errno(), ENOENT);
}

TEST_F(File, FoldersInARootFollowLinksInside) {
  ASSERT_TRUE(make_directories(folder_ + "/root/run"));
  ASSERT_TRUE(make_directories(folder_ + "/root/var"));
  ASSERT_EQ(::symlink("/run", (folder_ + "/root/var/run").c_str()), 0);
  const Fd root = *open_file(folder_ + "/root", O_PATH | O_DIRECTORY);
  const Result<Fd> made = make_directories_in_root(root.get(), "/var/run/a/b");
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_TRUE(path_exists(folder_ + "/root/run/a/b"));
}

TEST(Path, CleaningIsTextOnly) {
  EXPECT_EQ(clean_path("a//b/./c/.."), "a/b");
  EXPECT_EQ(clean_path("/../x"), "/x");
  EXPECT_EQ(clean_path("../x/../.."), "../..");
  EXPECT_EQ(clean_path(""), ".");
  EXPECT_EQ(clean_path("/"), "/");
  EXPECT_EQ(join_path("/a/b", "../c"), "/a/c");
  EXPECT_EQ(join_path("/a/b", "/c"), "/c");
  EXPECT_EQ(base_name("/a/b/"), "b");
  EXPECT_EQ(dir_name("/a"), "/");
  EXPECT_EQ(dir_name("a"), ".");
}

}  // namespace
}  // namespace consort

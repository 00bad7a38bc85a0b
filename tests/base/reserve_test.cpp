#include "base/os/files/reserve.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

#include "base/os/files/file.hpp"

namespace consort {
namespace {

using testing::HasSubstr;

class FullDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: file systems";
    std::string pattern = testing::TempDir() + "/consort-disk-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override {
    for (const std::string& path : mounted_) EXPECT_EQ(::umount2(path.c_str(), MNT_DETACH), 0);
    if (!directory_.empty()) {
      EXPECT_TRUE(remove_tree(directory_));
    }
  }
  std::string disk(const std::string& name, const std::string& options) {
    const std::string path = directory_ + "/" + name;
    EXPECT_TRUE(make_directories(path));
    EXPECT_EQ(::mount("small", path.c_str(), "tmpfs", 0, (options + ",mode=700").c_str()), 0);
    mounted_.push_back(path);
    return path;
  }
  std::string directory_;
  std::vector<std::string> mounted_;
};

TEST_F(FullDisk, WhatIsShortIsTold) {
  const std::string small = disk("small", "size=512k"), many = disk("many", "size=8m,nr_inodes=20"),
                    fine = disk("fine", "size=8m");
  EXPECT_EQ(find_shortage(small), Shortage::blocks);
  EXPECT_EQ(find_shortage(many), Shortage::inodes);
  EXPECT_EQ(find_shortage(fine), Shortage::none);
  EXPECT_TRUE(check_room(fine));
  EXPECT_EQ(check_room(small).error().message(), "the disk of " + small + " is full");
  EXPECT_THAT(check_room(many).error().message(), HasSubstr("inodes"));
}

TEST_F(FullDisk, TheAdviceIsOfTheDiskThatIsFull) {
  const std::string small = disk("small", "size=512k"), many = disk("many", "size=8m,nr_inodes=20"),
                    fine = disk("fine", "size=8m");
  const auto advice = [](int number, const std::string& path, const std::string& data_root) {
    return advice_on_full_disk(errno_error(number, "write", path).wrap("start container", "web-1"), data_root);
  };
  const std::string ours = advice(ENOSPC, small + "/containers/x/hostname", small);
  EXPECT_THAT(ours, HasSubstr("the disk of " + small + " is full"));
  EXPECT_THAT(ours, HasSubstr("image prune --all"));
  EXPECT_THAT(ours, HasSubstr("--build-cache"));
  EXPECT_THAT(advice(ENOSPC, many + "/hostname", many), HasSubstr("all inodes of the file system of " + many));
  EXPECT_THAT(advice(EDQUOT, fine + "/hostname", fine), HasSubstr("quota of " + fine));
  EXPECT_EQ(advice(ENOSPC, small + "/x", fine), "") << "not ours";
  EXPECT_THAT(advice(ENOSPC, "x", small), HasSubstr("the disk of " + small + " is full"));
  EXPECT_EQ(advice(ENOSPC, "x", fine), "") << "a limit of the kernel, not of a disk";
  EXPECT_EQ(advice(ENOENT, small + "/x", small), "");
}

// The owner of the root may not have been checked yet.
TEST_F(FullDisk, OnlyWhatIsOursIsGivenUp) {
  const std::string full = disk("full", "size=512k"), reserve = full + "/reserve";
  ASSERT_TRUE(make_directories(reserve, 0700));
  ASSERT_TRUE(write_file_atomic(reserve + "/letter.txt", "dear"));
  Reserve(full).give_up_if_full();
  EXPECT_TRUE(path_exists(reserve + "/letter.txt"));
  ASSERT_TRUE(remove_file(reserve + "/letter.txt"));
  ASSERT_TRUE(write_file_atomic(reserve + "/blocks", ""));
  Reserve(full).give_up_if_full();
  EXPECT_FALSE(path_exists(reserve));
}

}  // namespace
}  // namespace consort

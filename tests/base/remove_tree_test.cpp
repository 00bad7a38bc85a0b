// Trees made by others: deep, locked, with mounts inside, or removed only in part.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/os/files/file.hpp"
#include "base/os/trees/folder.hpp"
#include "base/os/trees/remove_tree.hpp"
#include "base/os/trees/trash.hpp"

namespace consort {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RemoveTreeTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "consort-remove-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { ASSERT_TRUE(remove_tree(folder_)); }

  // Creates "d" in "d" in ... below the path, with a file at the end.
  void nest(const std::string& path, int depth) {
    ASSERT_TRUE(make_directories(path));
    Fd at = std::move(open_file(path, O_RDONLY | O_DIRECTORY)).value();
    for (int i = 0; i < depth; ++i) {
      ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
      at = std::move(open_at(at.get(), "d", O_RDONLY | O_DIRECTORY)).value();
    }
    const Fd file = std::move(open_at(at.get(), "file", O_WRONLY | O_CREAT)).value();
    ASSERT_TRUE(write_full(file.get(), "x"));
  }

  std::string folder_;
};

// Leaves so few descriptors that one for each level would not be enough.
class FewDescriptors {
 public:
  FewDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = 64;
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(RemoveTreeTest, AnyDepthWithFewDescriptorsAndLittleStack) {
  // In memory if possible: a disk is slow at each level.
  std::string place = path_exists("/dev/shm") ? "/dev/shm/consort-deep-XXXXXX" : folder_ + "/deep-XXXXXX";
  ASSERT_NE(::mkdtemp(place.data()), nullptr);
  nest(place + "/deep", 20'000);
  const FewDescriptors few;
  EXPECT_GT(tree_bytes(place + "/deep"), 0U);
  const Result<> removed = remove_tree(place);
  ASSERT_TRUE(removed) << removed.error().message();
  EXPECT_FALSE(path_exists(place));
}

TEST_F(RemoveTreeTest, ManyFoldersSideBySide) {
  for (int i = 0; i < 300; ++i) {
    const std::string branch = folder_ + "/wide/" + std::to_string(i);
    ASSERT_TRUE(make_directories(branch + "/a/b"));
    ASSERT_TRUE(write_file_atomic(branch + "/a/file", "x"));
    ASSERT_EQ(::symlink("/etc", (branch + "/link").c_str()), 0);
  }
  ASSERT_TRUE(remove_tree(folder_ + "/wide"));
  EXPECT_FALSE(path_exists(folder_ + "/wide"));
  EXPECT_TRUE(path_exists("/etc/passwd"));
}

TEST_F(RemoveTreeTest, FilesThatMayNotBeChangedGo) {
  const std::string tree = folder_ + "/tree";
  ASSERT_TRUE(make_directories(tree + "/inner"));
  ASSERT_TRUE(write_file_atomic(tree + "/inner/file", "x"));
  for (const char* path : {"/inner/file", "/inner", ""}) {
    const Fd fd = std::move(open_file(tree + path, O_RDONLY)).value();
    int flags = FS_IMMUTABLE_FL;
    if (::ioctl(fd.get(), FS_IOC_SETFLAGS, &flags) != 0) {
      GTEST_SKIP() << "this file system or user cannot make files immutable";
    }
  }
  const Result<> removed = Trash(folder_).remove(tree);
  ASSERT_TRUE(removed) << removed.error().message();
  EXPECT_FALSE(path_exists(tree));
  EXPECT_TRUE(Trash(folder_).is_empty());
}

TEST_F(RemoveTreeTest, WhatIsMountedBelowIsLeftAndTheRestGoes) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: mounts";
  ASSERT_TRUE(make_directories(folder_ + "/theirs"));
  ASSERT_TRUE(write_file_atomic(folder_ + "/theirs/precious", "x"));
  for (const char* name : {"/tree/a", "/tree/m/point", "/tree/z"}) ASSERT_TRUE(make_directories(folder_ + name));
  const std::string point = folder_ + "/tree/m/point";
  // On the same file system: the device number does not tell.
  if (::mount((folder_ + "/theirs").c_str(), point.c_str(), nullptr, MS_BIND, nullptr) != 0)
    GTEST_SKIP() << "cannot mount here";
  const Result<> removed = remove_tree(folder_ + "/tree");
  EXPECT_TRUE(path_exists(folder_ + "/theirs/precious"));
  EXPECT_FALSE(path_exists(folder_ + "/tree/a") || path_exists(folder_ + "/tree/z"));
  ASSERT_EQ(::umount2(point.c_str(), MNT_DETACH), 0);
  ASSERT_FALSE(removed);
  EXPECT_THAT(removed.error().message(), HasSubstr("point: something is mounted there"));
}

TEST_F(RemoveTreeTest, ASweepTakesWhatTheDeadLeftAndNothingElse) {
  const Trash trash(folder_);
  ASSERT_TRUE(make_directories(folder_ + "/one/x"));
  ASSERT_TRUE(make_directories(folder_ + "/two/x"));
  ASSERT_TRUE(trash.prepare());
  Result<Trash::Item> living = trash.take(folder_ + "/one");
  ASSERT_TRUE(living);
  const std::string dead = std::move(trash.take(folder_ + "/two")).value().path;  // its lock is gone at once
  ASSERT_TRUE(make_directories(folder_ + "/three/x"));
  const std::string hasty = std::move(trash.take(folder_ + "/three", Trash::Sync::no)).value().path;  // likewise
  ASSERT_TRUE(make_directories(trash.aside("back")));
  EXPECT_FALSE(path_exists(folder_ + "/one") || path_exists(folder_ + "/two") || path_exists(folder_ + "/three"));
  ASSERT_TRUE(trash.sweep());
  EXPECT_TRUE(path_exists(living->path + "/x"));
  EXPECT_FALSE(path_exists(dead) || path_exists(hasty));
  EXPECT_THAT(trash.set_aside(), ElementsAre("back"));
  ASSERT_TRUE(trash.remove(std::move(*living)));
  EXPECT_TRUE(trash.is_empty());
  EXPECT_TRUE(trash.remove(folder_ + "/one")) << "already gone is success";
}

TEST_F(RemoveTreeTest, ScratchIsSweptWhenItsMakerIsGone) {
  ScratchFolder mine = std::move(ScratchFolder::create(folder_, "draft")).value();
  ASSERT_TRUE(make_directories(folder_ + "/draft-left/deep"));
  ASSERT_TRUE(make_directories(folder_ + "/other"));
  EXPECT_THAT(ScratchFolder::abandoned(folder_, "draft"), ElementsAre("draft-left"));
  EXPECT_EQ(ScratchFolder::sweep(folder_, "draft").value(), 1U);
  EXPECT_THAT(ScratchFolder::abandoned(folder_, "draft"), IsEmpty());
  EXPECT_TRUE(path_exists(mine.path()) && path_exists(folder_ + "/other"));
  const std::string path = mine.path();
  mine = ScratchFolder();
  EXPECT_FALSE(path_exists(path));
}

// The wish comes while the tree is being deleted: what is left of it is for the next sweep.
TEST_F(RemoveTreeTest, AWishToStopLeavesTheRestToTheNextSweep) {
  std::stop_source stop;
  const std::string plain = folder_ + "/plain";
  nest(plain, 3);
  nest(folder_ + "/.trash/one", 3);
  nest(folder_ + "/.trash/two", 3);
  nest(folder_ + "/draft-crashed", 3);
  stop.request_stop();
  const Trash trash(folder_);
  EXPECT_EQ(remove_tree(plain, stop.get_token()).error().code(), Code::interrupted);
  EXPECT_EQ(sweep_trash(trash, stop.get_token()).error().code(), Code::interrupted);
  EXPECT_EQ(sweep_scratch(folder_, "draft", stop.get_token()).error().code(), Code::interrupted);
  EXPECT_TRUE(path_exists(plain));
  EXPECT_FALSE(path_exists(folder_ + "/draft-crashed")) << "it is in the trash, from where nobody takes it back";
  EXPECT_EQ(list_folder(trash.folder()).value().size(), 4U);  // with aside/
  ASSERT_TRUE(trash.sweep());
  EXPECT_TRUE(trash.is_empty());
}

}  // namespace consort

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
#include "base/os/trees/directory.hpp"
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
    directory_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { ASSERT_TRUE(remove_tree(directory_)); }

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

  std::string directory_;
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
  std::string place = path_exists("/dev/shm") ? "/dev/shm/consort-deep-XXXXXX" : directory_ + "/deep-XXXXXX";
  ASSERT_NE(::mkdtemp(place.data()), nullptr);
  nest(place + "/deep", 20'000);
  const FewDescriptors few;
  EXPECT_GT(tree_bytes(place + "/deep"), 0U);
  const Result<> removed = remove_tree(place);
  ASSERT_TRUE(removed) << removed.error().message();
  EXPECT_FALSE(path_exists(place));
}

TEST_F(RemoveTreeTest, ManyDirectoriesSideBySide) {
  for (int i = 0; i < 300; ++i) {
    const std::string branch = directory_ + "/wide/" + std::to_string(i);
    ASSERT_TRUE(make_directories(branch + "/a/b"));
    ASSERT_TRUE(write_file_atomic(branch + "/a/file", "x"));
    ASSERT_EQ(::symlink("/etc", (branch + "/link").c_str()), 0);
  }
  ASSERT_TRUE(remove_tree(directory_ + "/wide"));
  EXPECT_FALSE(path_exists(directory_ + "/wide"));
  EXPECT_TRUE(path_exists("/etc/passwd"));
}

TEST_F(RemoveTreeTest, FilesThatMayNotBeChangedGo) {
  const std::string tree = directory_ + "/tree";
  ASSERT_TRUE(make_directories(tree + "/inner"));
  ASSERT_TRUE(write_file_atomic(tree + "/inner/file", "x"));
  for (const char* path : {"/inner/file", "/inner", ""}) {
    const Fd fd = std::move(open_file(tree + path, O_RDONLY)).value();
    int flags = FS_IMMUTABLE_FL;
    if (::ioctl(fd.get(), FS_IOC_SETFLAGS, &flags) != 0) {
      GTEST_SKIP() << "this file system or user cannot make files immutable";
    }
  }
  const Result<> removed = Trash(directory_).remove(tree);
  ASSERT_TRUE(removed) << removed.error().message();
  EXPECT_FALSE(path_exists(tree));
  EXPECT_TRUE(Trash(directory_).is_empty());
}

TEST_F(RemoveTreeTest, WhatIsMountedBelowIsLeftAndTheRestGoes) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: mounts";
  ASSERT_TRUE(make_directories(directory_ + "/theirs"));
  ASSERT_TRUE(write_file_atomic(directory_ + "/theirs/precious", "x"));
  for (const char* name : {"/tree/a", "/tree/m/point", "/tree/z"}) ASSERT_TRUE(make_directories(directory_ + name));
  const std::string point = directory_ + "/tree/m/point";
  // On the same file system: the device number does not tell.
  if (::mount((directory_ + "/theirs").c_str(), point.c_str(), nullptr, MS_BIND, nullptr) != 0)
    GTEST_SKIP() << "cannot mount here";
  const Result<> removed = remove_tree(directory_ + "/tree");
  EXPECT_TRUE(path_exists(directory_ + "/theirs/precious"));
  EXPECT_FALSE(path_exists(directory_ + "/tree/a") || path_exists(directory_ + "/tree/z"));
  ASSERT_EQ(::umount2(point.c_str(), MNT_DETACH), 0);
  ASSERT_FALSE(removed);
  EXPECT_THAT(removed.error().message(), HasSubstr("point: something is mounted there"));
}

TEST_F(RemoveTreeTest, ASweepTakesWhatTheDeadLeftAndNothingElse) {
  const Trash trash(directory_);
  ASSERT_TRUE(make_directories(directory_ + "/one/x"));
  ASSERT_TRUE(make_directories(directory_ + "/two/x"));
  ASSERT_TRUE(trash.prepare());
  Result<Trash::Item> living = trash.take(directory_ + "/one");
  ASSERT_TRUE(living);
  const std::string dead = std::move(trash.take(directory_ + "/two")).value().path;  // its lock is gone at once
  ASSERT_TRUE(make_directories(directory_ + "/three/x"));
  const std::string hasty = std::move(trash.take(directory_ + "/three", Trash::Sync::no)).value().path;  // likewise
  ASSERT_TRUE(make_directories(trash.aside("back")));
  EXPECT_FALSE(path_exists(directory_ + "/one") || path_exists(directory_ + "/two") ||
               path_exists(directory_ + "/three"));
  ASSERT_TRUE(trash.sweep());
  EXPECT_TRUE(path_exists(living->path + "/x"));
  EXPECT_FALSE(path_exists(dead) || path_exists(hasty));
  EXPECT_THAT(trash.set_aside(), ElementsAre("back"));
  ASSERT_TRUE(trash.remove(std::move(*living)));
  EXPECT_TRUE(trash.is_empty());
  EXPECT_TRUE(trash.remove(directory_ + "/one")) << "already gone is success";
}

TEST_F(RemoveTreeTest, ScratchIsSweptWhenItsMakerIsGone) {
  ScratchDirectory mine = std::move(ScratchDirectory::create(directory_, "draft")).value();
  ASSERT_TRUE(make_directories(directory_ + "/draft-left/deep"));
  ASSERT_TRUE(make_directories(directory_ + "/other"));
  EXPECT_THAT(ScratchDirectory::abandoned(directory_, "draft"), ElementsAre("draft-left"));
  EXPECT_EQ(ScratchDirectory::sweep(directory_, "draft").value(), 1U);
  EXPECT_THAT(ScratchDirectory::abandoned(directory_, "draft"), IsEmpty());
  EXPECT_TRUE(path_exists(mine.path()) && path_exists(directory_ + "/other"));
  const std::string path = mine.path();
  mine = ScratchDirectory();
  EXPECT_FALSE(path_exists(path));
}

// The wish comes while the tree is being deleted: what is left of it is for the next sweep.
TEST_F(RemoveTreeTest, AWishToStopLeavesTheRestToTheNextSweep) {
  std::stop_source stop;
  const std::string plain = directory_ + "/plain";
  nest(plain, 3);
  nest(directory_ + "/.trash/one", 3);
  nest(directory_ + "/.trash/two", 3);
  nest(directory_ + "/draft-crashed", 3);
  stop.request_stop();
  const Trash trash(directory_);
  EXPECT_EQ(remove_tree(plain, stop.get_token()).error().code(), Code::interrupted);
  EXPECT_EQ(sweep_trash(trash, stop.get_token()).error().code(), Code::interrupted);
  EXPECT_EQ(sweep_scratch(directory_, "draft", stop.get_token()).error().code(), Code::interrupted);
  EXPECT_TRUE(path_exists(plain));
  EXPECT_FALSE(path_exists(directory_ + "/draft-crashed")) << "it is in the trash, from where nobody takes it back";
  EXPECT_EQ(list_directory(trash.directory()).value().size(), 4U);  // with aside/
  ASSERT_TRUE(trash.sweep());
  EXPECT_TRUE(trash.is_empty());
}

}  // namespace consort

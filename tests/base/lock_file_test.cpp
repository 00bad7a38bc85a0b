#include "base/os/files/lock_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"

namespace consort {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LockFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "consort-locks-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { ASSERT_TRUE(remove_tree(directory_)); }
  std::vector<std::string> names() const { return list_directory(directory_).value(); }
  void leave(const std::string& name) { ASSERT_TRUE(write_file_atomic(directory_ + "/" + name, "")); }

  std::string directory_;
};

TEST_F(LockFileTest, IsHeldByOneAndGoneAfterwards) {
  auto first = LockFile::try_take(directory_, "a");
  ASSERT_TRUE(first && *first);
  const auto second = LockFile::try_take(directory_, "a");
  ASSERT_TRUE(second);
  EXPECT_FALSE(*second);
  EXPECT_TRUE(LockFile::try_take(directory_, "b").value().has_value());  // another name, gone at once
  EXPECT_THAT(names(), ElementsAre("a"));
  first->reset();
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(LockFileTest, WhatACrashHasLeftIsTakenAsIfItWereNotThere) {
  leave("a");
  EXPECT_TRUE(LockFile::try_take(directory_, "a").value().has_value());
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(LockFileTest, ASweepCleansUpWhatNobodyHolds) {
  leave("left");
  const auto held = LockFile::try_take(directory_, "held");
  std::vector<std::string> cleaned;
  ASSERT_TRUE(sweep_lock_files(directory_, [&](const std::string& name) {
    cleaned.push_back(name);
    return Result<>();
  }));
  EXPECT_THAT(cleaned, ElementsAre("left"));
  EXPECT_THAT(names(), ElementsAre("held"));
}

TEST_F(LockFileTest, WhatCouldNotBeCleanedUpStaysForAnotherTry) {
  leave("left");
  EXPECT_FALSE(sweep_lock_files(directory_, [](const std::string&) -> Result<> { return fail(Code::io, "clean up"); }));
  EXPECT_THAT(names(), ElementsAre("left"));
}

TEST_F(LockFileTest, ThereNeedBeNoDirectory) {
  EXPECT_TRUE(sweep_lock_files(directory_ + "/none", [](const std::string&) { return Result<>(); }));
}

}  // namespace
}  // namespace consort

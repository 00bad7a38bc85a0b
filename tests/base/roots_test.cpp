#include "base/roots.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/os/files/file.hpp"
#include "base/run_root.hpp"
#include "base/strings.hpp"

namespace consort {
namespace {

class RootsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/consort-roots-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    roots_ = {directory_ + "/above/data", directory_ + "/above/run"};
    umask_ = ::umask(0);
  }
  void TearDown() override {
    ::umask(umask_);
    ASSERT_TRUE(remove_tree(directory_));
  }
  static mode_t mode(const std::string& path) { return stat_path(path)->st_mode & 07777; }
  // With exactly this mode, regardless of the umask.
  static void make(const std::string& path, mode_t mode) {
    ASSERT_TRUE(make_directories(path));
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }

  std::string directory_;
  Roots roots_;
  mode_t umask_ = 0;
};

TEST_F(RootsTest, ArePrivateWhateverTheUmask) {
  for (const mode_t umask : {0, 022, 077}) {
    ::umask(umask);
    ASSERT_TRUE(roots_.prepare());
    EXPECT_EQ(mode(roots_.data), 0700u);
    EXPECT_EQ(mode(roots_.run), 0700u);
    EXPECT_EQ(mode(roots_.run + "/boot-id"), 0600u);
    EXPECT_EQ(mode(directory_ + "/above"), 0755u & ~umask) << "what is above them is not theirs";
    ASSERT_TRUE(remove_tree(directory_ + "/above"));
  }
}

TEST_F(RootsTest, NeedNoWorkingDirectory) {
  const Fd before = open_file(".", O_RDONLY | O_DIRECTORY).value();
  ASSERT_EQ(::chdir(directory_.c_str()), 0);
  ASSERT_TRUE(make_directories(directory_ + "/gone"));
  ASSERT_EQ(::chdir("gone"), 0);
  ASSERT_EQ(::rmdir((directory_ + "/gone").c_str()), 0);
  ::setenv("CONSORT_DATA_ROOT", "/somewhere", 1);
  ::setenv("CONSORT_RUN_ROOT", "/elsewhere", 1);
  const auto absolute = Roots::from_environment();
  ::setenv("CONSORT_RUN_ROOT", "elsewhere", 1);
  const auto relative = Roots::from_environment();
  for (const char* variable : {"CONSORT_DATA_ROOT", "CONSORT_RUN_ROOT"}) ::unsetenv(variable);
  ASSERT_EQ(::fchdir(before.get()), 0);
  ASSERT_TRUE(absolute);
  EXPECT_EQ(absolute->data, "/somewhere");
  EXPECT_FALSE(relative);
}

// As created by version 0.1.
TEST_F(RootsTest, WhatWasLeftOpenIsClosed) {
  const std::string container = roots_.data + "/containers/1";
  for (const std::string& path : {roots_.data, roots_.data + "/containers", container, roots_.data + "/volumes",
                                  roots_.data + "/volumes/v", container + "/files"})
    make(path, 0711);
  make(roots_.run, 0755);
  for (const std::string& path : {roots_.data + "/volumes/v/_data", container + "/upper"}) make(path, 0755);
  for (const std::string& path : {roots_.state_db(), roots_.data + "/state.db-wal", container + "/config.json",
                                  container + "/unit.json", container + "/hosts", container + "/log"})
    ASSERT_TRUE(write_file_atomic(path, "", 0644));
  ASSERT_TRUE(roots_.prepare());
  for (const std::string& path : {roots_.data, roots_.run, roots_.data + "/containers", container,
                                  roots_.data + "/volumes", roots_.data + "/volumes/v", container + "/files"})
    EXPECT_EQ(mode(path), 0700u) << path;
  for (const std::string& path : {roots_.state_db(), roots_.data + "/state.db-wal", container + "/config.json",
                                  container + "/unit.json", container + "/log"})
    EXPECT_EQ(mode(path), 0600u) << path;
  // Directories that are mounted into containers are for the containers' users.
  EXPECT_EQ(mode(roots_.data + "/volumes/v/_data"), 0755u);
  EXPECT_EQ(mode(container + "/upper"), 0755u);
  EXPECT_EQ(mode(container + "/hosts"), 0644u);
}

TEST_F(RootsTest, ADirectoryOfOthersIsNotClosedButRefused) {
  make(roots_.data, 0755);
  ASSERT_TRUE(write_file_atomic(roots_.data + "/thesis.tex", "x"));
  const Result<> refused = roots_.prepare();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::denied);
  EXPECT_TRUE(refused.error().message().contains(roots_.data)) << refused.error().message();
  EXPECT_EQ(mode(roots_.data), 0755u);
  ASSERT_TRUE(remove_file(roots_.data + "/thesis.tex"));
  ASSERT_TRUE(make_directories(roots_.data + "/volumes"));
  EXPECT_FALSE(roots_.prepare()) << "a word that others have as well";
  ASSERT_TRUE(remove_tree(roots_.data + "/volumes"));
  make(roots_.data, 01777);
  EXPECT_TRUE(roots_.prepare()) << "empty: a file system made for us";
  EXPECT_EQ(mode(roots_.data), 0700u);
  const Roots everybodys{"/tmp", roots_.run};
  EXPECT_FALSE(everybodys.prepare());
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chown(roots_.data.c_str(), 65534, 65534), 0);
  EXPECT_FALSE(roots_.prepare()) << "its owner could change everything";
}

// The link could lead to another of our directories, and its owner could redirect it while we work in it.
TEST_F(RootsTest, ALinkThatAnotherUserHasMadeIsRefused) {
  make(directory_ + "/ours", 0700);
  ASSERT_TRUE(make_directories(dir_name(roots_.run)));
  ASSERT_EQ(::symlink((directory_ + "/ours").c_str(), roots_.run.c_str()), 0);
  EXPECT_TRUE(roots_.prepare()) << "our own";
  if (::geteuid() != 0) return;
  ASSERT_EQ(::lchown(roots_.run.c_str(), 65534, 65534), 0);
  EXPECT_FALSE(roots_.prepare());
  const Result<> refused = prepare_run_root(roots_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::denied);
}

// As after `su`, where XDG_RUNTIME_DIR still names the directory of whoever called it.
TEST_F(RootsTest, WhoMayNotCreateOneIsToldWhichVariableSaysWhere) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: a user who may not";
  make(directory_, 0755);
  make(directory_ + "/session", 0700);
  make(directory_ + "/theirs", 0700);
  const auto refused = [](const Roots& roots) {
    ::setfsuid(65534);
    const Result<> prepared = prepare_run_root(roots);
    ::setfsuid(0);
    EXPECT_FALSE(prepared);
    return prepared ? std::string() : prepared.error().message() + "\n" + prepared.error().hint_text();
  };
  ::setenv("XDG_RUNTIME_DIR", (directory_ + "/session").c_str(), 1);
  const std::string session = refused({directory_ + "/data", directory_ + "/session/consort"});
  const std::string other = refused({directory_ + "/data", directory_ + "/theirs/consort"});
  ::unsetenv("XDG_RUNTIME_DIR");
  EXPECT_EQ(session, "create directory " + directory_ + "/session/consort: permission denied\nXDG_RUNTIME_DIR is " +
                         directory_ +
                         "/session, which is not yours: unset it, or set CONSORT_RUN_ROOT to a directory that you may "
                         "write to");
  EXPECT_EQ(other, "create directory " + directory_ +
                       "/theirs/consort: permission denied\nset CONSORT_RUN_ROOT to a directory that you may write to");
}

TEST_F(RootsTest, AReserveThatAnEarlierVersionLeftInAnOpenDirectoryIsOurs) {
  make(roots_.data, 0755);
  const std::string blocks = roots_.data + "/reserve/blocks";
  ASSERT_TRUE(make_directories(dir_name(blocks)));
  ASSERT_TRUE(make_directories(roots_.data + "/lost+found"));
  EXPECT_FALSE(roots_.prepare()) << "anybody may have a directory of that name";
  EXPECT_EQ(mode(roots_.data), 0755u);
  ASSERT_EQ(::symlink("/etc/passwd", blocks.c_str()), 0);
  EXPECT_FALSE(roots_.prepare());
  ASSERT_TRUE(remove_file(blocks));
  ASSERT_TRUE(write_file_atomic(blocks, "", 0600));
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(blocks.c_str(), 65534, 65534), 0);
    EXPECT_FALSE(roots_.prepare()) << "that of another user";
    ASSERT_EQ(::chown(blocks.c_str(), 0, 0), 0);
  }
  EXPECT_TRUE(roots_.prepare());
  EXPECT_EQ(mode(roots_.data), 0700u);
}

// The earlier version was killed while creating it.
TEST_F(RootsTest, AReserveThatWasCutShortInAnOpenDirectoryIsOurs) {
  const auto left_behind = [&](const std::vector<std::string>& files, mode_t mode_of_directory) {
    if (path_exists(roots_.data)) {
      ASSERT_TRUE(remove_tree(roots_.data));
    }
    make(roots_.data + "/reserve", mode_of_directory);
    make(roots_.data, 0755);
    for (const std::string& name : files)
      ASSERT_TRUE(write_file_atomic(roots_.data + "/reserve/" + name, "", 0600)) << name;
  };
  for (const std::vector<std::string>& files :
       {std::vector<std::string>{}, {"0"}, {"0", "1", "63"}, {"0", "63", "blocks.new"}, {"0", "63", "blocks"}}) {
    left_behind(files, 0700);
    EXPECT_TRUE(roots_.prepare()) << files.size();
    EXPECT_EQ(mode(roots_.data), 0700u);
  }
  for (const std::vector<std::string>& files :
       {std::vector<std::string>{"0", "letter.txt"}, {"64"}, {"blocks", "letter.txt"}}) {
    left_behind(files, 0700);
    EXPECT_FALSE(roots_.prepare()) << "it holds something else: " << files.back();
    EXPECT_EQ(mode(roots_.data), 0755u);
  }
  left_behind({"0"}, 0755);
  EXPECT_FALSE(roots_.prepare()) << "ours was never open";
  left_behind({}, 0700);
  ASSERT_TRUE(make_directories(roots_.data + "/reserve/0"));
  EXPECT_FALSE(roots_.prepare());
  if (::geteuid() != 0) return;
  left_behind({}, 0700);
  ASSERT_EQ(::chown((roots_.data + "/reserve").c_str(), 65534, 65534), 0);
  EXPECT_FALSE(roots_.prepare()) << "another user's";
}

TEST_F(RootsTest, APrivateDirectoryMayHoldOtherThings) {
  make(roots_.data, 0700);
  ASSERT_TRUE(write_file_atomic(roots_.data + "/notes", "x"));
  EXPECT_TRUE(roots_.prepare());
}

}  // namespace
}  // namespace consort

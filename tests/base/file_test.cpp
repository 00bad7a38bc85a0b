#include "base/os/files/file.hpp"

#include "base/os/files/plain_file.hpp"
#include "base/os/files/temporary.hpp"
#include "base/os/trees/directory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace consort {
namespace {

class File : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/consort-file-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { ASSERT_TRUE(remove_tree(directory_)); }
  std::string directory_;
};

TEST_F(File, AtomicWriteLeavesNoTemporaryBehind) {
  ASSERT_TRUE(write_file_atomic(directory_ + "/a", "one", 0600));
  ASSERT_TRUE(write_file_atomic(directory_ + "/a", "two", 0600, Durability::durable));
  EXPECT_EQ(*read_file(directory_ + "/a"), "two");
  EXPECT_EQ(stat_path(directory_ + "/a")->st_mode & 07777, 0600u);
  EXPECT_EQ(::unlink((directory_ + "/a").c_str()), 0);
  EXPECT_EQ(::rmdir(directory_.c_str()), 0);  // works only if nothing else is in it
  ASSERT_TRUE(make_directories(directory_));
}

// After a reboot the same pid and counter occur again, and with them the name that a crash has left.
TEST_F(File, WhatACrashLeftIsNotInTheWay) {
  for (int i = 0; i < 64; ++i) {
    const std::string left = directory_ + "/a.tmp-" + std::to_string(::getpid()) + "-" + std::to_string(i);
    ASSERT_EQ(::mkdir(left.c_str(), 0700), 0);
  }
  EXPECT_TRUE(write_file_atomic(directory_ + "/a", "one"));
  const TemporaryFile one = *create_temporary(directory_ + "/a", 0600),
                      other = *create_temporary(directory_ + "/a", 0600);
  EXPECT_NE(one.path, other.path);
  EXPECT_TRUE(one.path.starts_with(directory_ + "/a.tmp-"));
}

TEST_F(File, AFileWithoutANameIsSeenByNobodyElse) {
  const Fd file = *create_unnamed(directory_);
  ASSERT_TRUE(write_full(file.get(), "text"));
  EXPECT_TRUE(list_directory(directory_)->empty());
  std::array<char, 8> bytes{};
  EXPECT_EQ(::pread(file.get(), bytes.data(), bytes.size(), 0), 4);
  EXPECT_STREQ(bytes.data(), "text");
}

TEST_F(File, APlainFileIsNoPipeAndNobodyWaitsForOne) {
  const std::string file = directory_ + "/file", pipe = directory_ + "/pipe", link = directory_ + "/link";
  ASSERT_TRUE(write_file_atomic(file, "text"));
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  ASSERT_EQ(::symlink("pipe", link.c_str()), 0);
  EXPECT_EQ(read_plain_file(file, 100).value_or("?"), "text");
  EXPECT_EQ(read_plain_file("/dev/null", 100).value_or("?"), "");
  for (const std::string& path : {pipe, link, directory_, std::string("/dev/zero")})
    EXPECT_EQ(read_plain_file(path, 100).error().code(), Code::invalid) << path;
  EXPECT_NE(read_plain_file(pipe, 100).error().message().find("is a named pipe, not a regular file"),
            std::string::npos);
  EXPECT_EQ(read_plain_file(directory_ + "/none", 100).error().code(), Code::not_found);
  // What the shell passes for <(command).
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd reader(ends[0]);
  ASSERT_EQ(::write(ends[1], "piped", 5), 5);
  ::close(ends[1]);
  EXPECT_EQ(read_plain_file("/dev/fd/" + std::to_string(reader.get()), 100).value_or("?"), "piped");
}

TEST_F(File, WhatIsNoPlainFileIsNotEvenOpened) {
  ASSERT_TRUE(write_file_atomic(directory_ + "/file", "text"));
  ASSERT_EQ(::mkfifo((directory_ + "/pipe").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("file", (directory_ + "/link").c_str()), 0);
  ASSERT_EQ(::symlink("/../../dev/zero", (directory_ + "/out").c_str()), 0);
  const Fd directory = *open_file(directory_, O_PATH | O_DIRECTORY), devices = *open_file("/dev", O_PATH | O_DIRECTORY);
  EXPECT_EQ(*read_all(open_plain_at(directory.get(), "file", O_RDONLY)->get(), 100), "text");
  EXPECT_EQ(*read_all(open_plain_in_root(directory.get(), "/link", O_RDONLY)->get(), 100), "text");
  EXPECT_EQ(open_plain_in_root(directory.get(), "out", O_RDONLY).error().sys_errno(), ENOENT);
  for (const char* name : {"pipe", "link", "."})
    EXPECT_EQ(open_plain_at(directory.get(), name, O_RDONLY).error().code(), Code::invalid) << name;
  EXPECT_EQ(open_plain_at(devices.get(), "zero", O_RDONLY).error().code(), Code::invalid);
  EXPECT_EQ(open_plain_in_root(devices.get(), "zero", O_RDONLY).error().code(), Code::invalid);
}

// An image without /etc/passwd is not an error; one whose /etc/passwd cannot be opened is.
TEST_F(File, WhatCannotBeOpenedForWantOfProcIsNotMissing) {
  ASSERT_TRUE(write_file_atomic(directory_ + "/file", "text"));
  const Fd directory = *open_file(directory_, O_PATH | O_DIRECTORY);
  enum : int { right, told_missing, not_possible };
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", "/proc", "tmpfs", 0, nullptr) != 0)
      ::_exit(not_possible);
    const auto opened = open_plain_in_root(directory.get(), "file", O_RDONLY);
    const auto missing = open_plain_in_root(directory.get(), "none", O_RDONLY);
    const bool good = !opened && opened.error().sys_errno() != ENOENT && opened.error().code() != Code::not_found &&
                      missing.error().sys_errno() == ENOENT;
    ::_exit(good ? right : told_missing);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == not_possible) GTEST_SKIP() << "mounting takes root";
  EXPECT_EQ(status, 0);
}

TEST_F(File, LeftTemporariesAreSweptWhenTheyAreOld) {
  const std::string old = create_temporary(directory_ + "/a", 0600)->path,
                    young = create_temporary(directory_ + "/a", 0600)->path;
  const std::string older = directory_ + "/state.json.tmp-4711-0", user = directory_ + "/notes.tmp-draft";
  for (const std::string& path : {older, user}) ASSERT_TRUE(write_file_atomic(path, "x"));
  constexpr timespec long_ago[2] = {{1000, 0}, {1000, 0}};
  for (const std::string& path : {old, older, user}) ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), long_ago, 0), 0);
  ASSERT_TRUE(sweep_temporaries(directory_));
  EXPECT_FALSE(path_exists(old));
  EXPECT_FALSE(path_exists(older)) << "as they were named before";
  EXPECT_TRUE(path_exists(young)) << "somebody is at work";
  EXPECT_TRUE(path_exists(user));
  EXPECT_TRUE(sweep_temporaries(directory_ + "/nowhere"));
}

TEST_F(File, ReadRefusesMoreThanTheLimit) {
  ASSERT_TRUE(write_file_atomic(directory_ + "/a", "12345"));
  EXPECT_EQ(read_file(directory_ + "/a", 4).error().code(), Code::invalid);
  EXPECT_EQ(*read_file(directory_ + "/a", 5), "12345");
}

TEST_F(File, RemoveTreeDoesNotFollowLinks) {
  ASSERT_TRUE(make_directories(directory_ + "/kept"));
  ASSERT_TRUE(write_file_atomic(directory_ + "/kept/file", "x"));
  ASSERT_TRUE(make_directories(directory_ + "/gone/deep/er"));
  ASSERT_EQ(::symlink((directory_ + "/kept").c_str(), (directory_ + "/gone/link").c_str()), 0);
  ASSERT_TRUE(remove_tree(directory_ + "/gone"));
  EXPECT_FALSE(path_exists(directory_ + "/gone"));
  EXPECT_TRUE(path_exists(directory_ + "/kept/file"));
  EXPECT_TRUE(remove_tree(directory_ + "/gone")) << "already gone is success";
}

TEST_F(File, PathsInARootCannotLeaveIt) {
  ASSERT_TRUE(make_directories(directory_ + "/root/etc"));
  ASSERT_TRUE(write_file_atomic(directory_ + "/secret", "host"));
  ASSERT_TRUE(write_file_atomic(directory_ + "/root/etc/passwd", "inside"));
  ASSERT_EQ(::symlink("/etc/passwd", (directory_ + "/root/absolute").c_str()), 0);
  ASSERT_EQ(::symlink("../../../../secret", (directory_ + "/root/escape").c_str()), 0);
  const Fd root = *open_file(directory_ + "/root", O_PATH | O_DIRECTORY);

  const Fd inside = *open_in_root(root.get(), "absolute", O_RDONLY);
  EXPECT_EQ(*read_all(inside.get(), 100), "inside");
  EXPECT_EQ(open_in_root(root.get(), "escape", O_RDONLY).error().sys_errno(), ENOENT);
  EXPECT_EQ(open_in_root(root.get(), "../secret", O_RDONLY).error().sys_errno(), ENOENT);
}

TEST_F(File, DirectoriesInARootFollowLinksInside) {
  ASSERT_TRUE(make_directories(directory_ + "/root/run"));
  ASSERT_TRUE(make_directories(directory_ + "/root/var"));
  ASSERT_EQ(::symlink("/run", (directory_ + "/root/var/run").c_str()), 0);
  const Fd root = *open_file(directory_ + "/root", O_PATH | O_DIRECTORY);
  const Result<Fd> made = make_directories_in_root(root.get(), "/var/run/a/b");
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_TRUE(path_exists(directory_ + "/root/run/a/b"));
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

// Locks that another process has: one that works is waited for, one that somebody has suspended is named.
#include "base/os/files/flock.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/files/lock_holder.hpp"
#include "base/os/processes/process.hpp"
#include "base/sqlite/database.hpp"

namespace consort {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

enum class How : std::uint8_t { flock, flock_shared, record, transaction };

bool take(How how, int fd, const std::string& path) {
  struct flock record {};
  record.l_type = F_WRLCK;
  switch (how) {
    case How::flock:
      return ::flock(fd, LOCK_EX) == 0;
    case How::flock_shared:
      return ::flock(fd, LOCK_SH) == 0;
    case How::record:
      return ::fcntl(fd, F_SETLK, &record) == 0;
    case How::transaction:
      (new SQLite::Database(path, SQLite::OPEN_READWRITE))->exec("BEGIN IMMEDIATE");
      return true;
  }
  return false;
}

class FlockTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "consort-flock-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ + "/file";
    fd_ = std::move(open_file(path_, O_RDWR | O_CREAT, 0600)).value();
  }
  void TearDown() override { ASSERT_TRUE(remove_tree(directory_)); }

  // A process that has it locked, until it is killed.
  static ChildGuard holder(const std::string& path, How how = How::flock) {
    const Pipe ready = *make_pipe();
    const pid_t child = ::fork();
    if (child == 0) {
      const int fd = ::open(path.c_str(), how == How::record ? O_RDWR : O_RDONLY);
      if (fd >= 0 && take(how, fd, path)) (void)write_full(ready.write.get(), "x");
      while (true) ::pause();
    }
    char said = 0;
    EXPECT_EQ(::read(ready.read.get(), &said, 1), 1);
    return ChildGuard(child);
  }

  static void suspend(const ChildGuard& child) {
    ASSERT_EQ(::kill(child.pid(), SIGSTOP), 0);
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WSTOPPED | WNOWAIT), 0);
  }

  std::string directory_, path_;
  Fd fd_;
};

TEST_F(FlockTest, WhoWorksIsWaitedFor) {
  std::optional<ChildGuard> child(holder(path_));
  std::jthread ends([&] {
    std::this_thread::sleep_for(milliseconds(50));
    ::kill(child->pid(), SIGKILL);
  });
  ASSERT_TRUE(lock_exclusive(fd_.get(), path_));
  EXPECT_NE(::flock(std::move(open_file(path_, O_RDONLY)).value().get(), LOCK_SH | LOCK_NB), 0);
}

TEST_F(FlockTest, WhoIsSuspendedIsNamedWithWhatResumesIt) {
  const ChildGuard child = holder(directory_);
  suspend(child);
  const Fd other = std::move(open_file(directory_, O_RDONLY | O_DIRECTORY)).value();
  const Result<> locked = lock_shared(other.get(), directory_);
  ASSERT_FALSE(locked);
  EXPECT_EQ(locked.error().code(), Code::busy);
  const std::string pid = std::to_string(child.pid());
  EXPECT_THAT(locked.error().message(), HasSubstr("lock " + directory_ + ": process " + pid + " ("));
  EXPECT_THAT(locked.error().message(), HasSubstr(") has it locked and is stopped"));
  EXPECT_THAT(locked.error().hint_text(), HasSubstr("`kill -CONT " + pid + "`"));
}

TEST_F(FlockTest, AWishEndsTheWait) {
  const ChildGuard child = holder(path_);
  const Fd wish(::eventfd(1, EFD_CLOEXEC));
  EXPECT_EQ(lock_shared(fd_.get(), path_, {.cancel_fd = wish.get()}).error().code(), Code::interrupted);
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(lock_exclusive(fd_.get(), path_, {.cancel = source.get_token()}).error().code(), Code::interrupted);
}

TEST_F(FlockTest, WhatNobodyHasIsTakenWhateverTheWish) {
  const Fd wish(::eventfd(1, EFD_CLOEXEC));
  EXPECT_TRUE(lock_exclusive(fd_.get(), path_, {.cancel_fd = wish.get()}));
}

TEST_F(FlockTest, HoldersAreFoundByTheFileAndTheKind) {
  EXPECT_THAT(lock_holders(path_), IsEmpty());
  const ChildGuard one = holder(path_, How::flock_shared), two = holder(path_, How::flock_shared);
  const ChildGuard writer = holder(path_, How::record);
  const ChildGuard elsewhere = holder(directory_);
  EXPECT_THAT(lock_holders(path_), testing::UnorderedElementsAre(one.pid(), two.pid()));
  EXPECT_THAT(lock_holders(path_, LockKind::record), ElementsAre(writer.pid()));
  EXPECT_THAT(lock_holders(directory_), ElementsAre(elsewhere.pid()));
  EXPECT_THAT(lock_holders(directory_ + "/none"), IsEmpty());
}

TEST_F(FlockTest, AHolderIsFoundByTheDescriptorOfAFileThatHasLostItsName) {
  const ChildGuard child = holder(path_);
  suspend(child);
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  HolderWatch watch(path_, fd_.get(), milliseconds(0));
  EXPECT_TRUE(watch.look());
  EXPECT_TRUE(watch.look());
  EXPECT_EQ(watch.look().error().code(), Code::busy);
}

TEST_F(FlockTest, OneThatGoesOnIsWaitedForAgain) {
  const ChildGuard child = holder(path_);
  HolderWatch watch(path_, fd_.get(), milliseconds(0));
  for (int i = 0; i < 3; ++i) {
    suspend(child);
    EXPECT_TRUE(watch.look());
    EXPECT_TRUE(watch.look());
    ASSERT_EQ(::kill(child.pid(), SIGCONT), 0);
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WCONTINUED), 0);
    EXPECT_TRUE(watch.look());
  }
}

// As of a process in another pid namespace, which /proc/locks does not show here.
TEST_F(FlockTest, AHolderThatCannotBeSeenIsNotWaitedForWithoutAnEnd) {
  HolderWatch watch(path_, fd_.get(), milliseconds(0));
  Result<> looked;
  for (int looks = 0; looked && looks < 1000; ++looks) looked = watch.look();
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().code(), Code::busy);
  EXPECT_THAT(looked.error().message(), HasSubstr("another pid namespace"));
}

TEST_F(FlockTest, ADatabaseThatASuspendedCommandIsWritingToNamesIt) {
  const std::string path = directory_ + "/state.db";
  const auto make = [](SQLite::Database& db) { db.exec("CREATE TABLE t(a)"); };
  ASSERT_TRUE(Database::open(path).value().query("make", make));
  const ChildGuard child = holder(path, How::transaction);  // before there is a connection that it would inherit
  suspend(child);
  Database database = Database::open(path).value();
  const auto written = database.transaction("write", [](SQLite::Database& db) { db.exec("INSERT INTO t VALUES(1)"); });
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Code::busy);
  EXPECT_THAT(written.error().message(), HasSubstr("process " + std::to_string(child.pid()) + " ("));
  EXPECT_THAT(written.error().hint_text(), HasSubstr("`kill -CONT " + std::to_string(child.pid()) + "`"));
}

}  // namespace
}  // namespace consort

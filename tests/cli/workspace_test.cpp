// The directories that commands work in.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"
#include "cli/invocation.hpp"

namespace consort::cli {
namespace {

class WorkspaceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: others go into a place of their own";
    directory_ = testing::TempDir() + "/consort-workspace-XXXXXX";
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
    ASSERT_TRUE(make_directories(data()));
    ASSERT_EQ(::chmod(data().c_str(), 0755), 0);
  }
  void TearDown() override { ASSERT_TRUE(remove_tree(directory_)); }
  std::string data() const { return directory_ + "/data"; }
  int list_volumes() const {
    ::setenv("CONSORT_DATA_ROOT", data().c_str(), 1);
    ::setenv("CONSORT_RUN_ROOT", (directory_ + "/run").c_str(), 1);
    return run_program({"consort", "volume", "ls"});
  }

  std::string directory_;
};

// Like a newly mounted file system that was made for the purpose.
TEST_F(WorkspaceTest, AnEmptyDirectoryThatIsOpenBecomesADataRoot) {
  ASSERT_TRUE(make_directories(data() + "/lost+found"));
  for (int i = 0; i < 2; ++i)
    EXPECT_EXIT(std::_Exit(list_volumes()), testing::ExitedWithCode(0), "^$") << "command " << i;
  EXPECT_EQ(stat_path(data())->st_mode & 0777, 0700U);
  // A directory that an earlier version created.
  ASSERT_TRUE(remove_tree(data()));
  ASSERT_TRUE(make_directories(data() + "/reserve"));
  ASSERT_TRUE(write_file_atomic(data() + "/reserve/blocks", ""));
  ASSERT_EQ(::chmod(data().c_str(), 0755), 0);
  EXPECT_EXIT(std::_Exit(list_volumes()), testing::ExitedWithCode(0), "^$");
}

TEST_F(WorkspaceTest, NothingIsMadeInADirectoryOfSomebodyElse) {
  ASSERT_TRUE(write_file_atomic(data() + "/theirs", ""));
  EXPECT_EXIT(std::_Exit(list_volumes()), testing::ExitedWithCode(1), "contains files that are not Consort's");
  EXPECT_EQ(list_directory(data()).value(), std::vector<std::string>{"theirs"});
}

}  // namespace
}  // namespace consort::cli

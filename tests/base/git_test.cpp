#include "base/git.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"

namespace consort {
namespace {

TEST(Git, AddressesAreTakenApart) {
  const GitAddress address = parse_git_address("github.com/x/y.git#v1:a/b").value();
  EXPECT_EQ(address.remote, "https://github.com/x/y.git");
  EXPECT_EQ(address.reference, "v1");
  EXPECT_EQ(address.path, "a/b");
  EXPECT_EQ(parse_git_address("git://[::1]/x").value().remote, "git://[::1]/x");
  for (const char* bad : {"--upload-pack=evil", "git://h/x#--output=/etc/passwd", "ext::sh -c evil"})
    EXPECT_FALSE(parse_git_address(bad)) << bad;
}

// As in a git hook, whose variables point to its own repository.
TEST(Git, TheCallersRepositoryIsNeverMeant) {
  if (!run_and_capture({.argv = {"git", "--version"}})) GTEST_SKIP() << "git is not installed";
  std::string directory = ::testing::TempDir() + "consort-git-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  ASSERT_TRUE(make_directories(directory + "/ours"));
  ::setenv("GIT_DIR", (directory + "/of-caller").c_str(), 1);
  const auto made = run_git({"init", "-q"}, directory + "/ours", -1);
  ::unsetenv("GIT_DIR");
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_TRUE(path_exists(directory + "/ours/.git/HEAD"));
  EXPECT_FALSE(path_exists(directory + "/of-caller"));
  EXPECT_TRUE(remove_tree(directory));
}

}  // namespace
}  // namespace consort

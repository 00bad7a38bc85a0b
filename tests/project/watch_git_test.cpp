#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "project/watch/git_lock.hpp"

namespace consort::project {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(WatchGit, TheLockIsThatOfTheRepositoryAround) {
  std::string pattern = fs::temp_directory_path() / "consort-git-XXXXXX";
  ASSERT_TRUE(::mkdtemp(pattern.data()));
  const std::string directory = fs::canonical(pattern);
  fs::create_directories(directory + "/plain");
  EXPECT_THAT(GitLocks::of({directory + "/plain"}).files(), IsEmpty());
  fs::create_directories(directory + "/repo/.git");
  fs::create_directories(directory + "/repo/src/module");
  std::ofstream(directory + "/repo/src/module/.git") << "gitdir: ../../.git/modules/module\n";
  EXPECT_THAT(GitLocks::of({directory + "/repo", directory + "/repo/src/not/there"}).files(),
              ElementsAre(directory + "/repo/.git/index.lock"));
  EXPECT_THAT(GitLocks::of({directory + "/repo/src/module"}).files(),
              ElementsAre(directory + "/repo/.git/modules/module/index.lock"));

  const GitLocks locks = GitLocks::of({directory + "/repo"});
  EXPECT_FALSE(locks.held());
  const std::string lock = directory + "/repo/.git/index.lock";
  std::ofstream(lock) << "";
  EXPECT_TRUE(locks.held());
  // The lock of a killed git must not delay anything.
  const std::time_t long_ago = std::time(nullptr) - GitLocks::longest.count() - 10;
  const std::array<timespec, 2> times{timespec{long_ago, 0}, timespec{long_ago, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, lock.c_str(), times.data(), 0), 0);
  EXPECT_FALSE(locks.held());
  fs::remove_all(directory);
}

}  // namespace
}  // namespace consort::project

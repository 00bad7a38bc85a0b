#include <gmock/gmock.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/os/files/file.hpp"
#include "base/os/trees/tree_watch.hpp"

namespace consort {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// inotify reports a change before the call that made it returns, so no test has to wait.
class TreeWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "consort-tree-XXXXXX";
    ASSERT_TRUE(::mkdtemp(pattern.data()));
    directory = fs::canonical(pattern);
    root = directory + "/src";
    fs::create_directories(root + "/old/deep");
    write("/old/file");
    write("/top");
  }
  void TearDown() override { fs::remove_all(directory); }

  void write(const std::string& path, const std::string& text = "text") { std::ofstream(root + path) << text; }
  void watch(std::vector<std::string> roots) {
    TreeWatchOptions options;
    options.roots = std::move(roots);
    options.skip = [](const std::string& path) { return base_name(path) == "skipped"; };
    auto made = TreeWatch::create(std::move(options));
    ASSERT_TRUE(made) << made.error().message();
    tree = std::make_unique<TreeWatch>(std::move(*made));
  }
  // Relative to the root.
  static std::set<std::string> names(const std::string& root, const std::vector<TreeChange>& changes,
                                     TreeChange::Kind kind) {
    std::set<std::string> found;
    for (const TreeChange& change : changes)
      if (change.kind == kind) found.insert(change.path.substr(std::min(root.size(), change.path.size())));
    return found;
  }
  std::set<std::string> seen() {
    auto changes = tree->take();
    EXPECT_TRUE(changes);
    return names(root, *changes, TreeChange::Kind::settled);
  }
  std::set<std::string> seen_again() {
    auto changes = tree->rescan();
    EXPECT_TRUE(changes);
    return names(root, *changes, TreeChange::Kind::settled);
  }
  void drop_events() {  // as if the kernel had lost them
    std::array<char, 65536> buffer;
    while (::read(tree->fd(), buffer.data(), buffer.size()) > 0) continue;
  }

  std::string directory, root;
  std::unique_ptr<TreeWatch> tree;
};

TEST_F(TreeWatchTest, WhatWasThereIsNoChange) {
  watch({root});
  EXPECT_THAT(seen(), IsEmpty());
  EXPECT_EQ(tree->directory_count(), 4U);  // src, old, deep, and what holds src
}

TEST_F(TreeWatchTest, WritesRenamesRemovalsAndModes) {
  watch({root});
  write("/top", "more");
  EXPECT_THAT(seen(), UnorderedElementsAre("/top"));
  fs::rename(root + "/top", root + "/old/moved");
  EXPECT_THAT(seen(), UnorderedElementsAre("/top", "/old/moved"));
  fs::remove(root + "/old/moved");
  EXPECT_THAT(seen(), UnorderedElementsAre("/old/moved"));
  ::chmod((root + "/old/file").c_str(), 0755);
  EXPECT_THAT(seen(), UnorderedElementsAre("/old/file"));
  fs::create_symlink("/etc", root + "/link");
  EXPECT_THAT(seen(), UnorderedElementsAre("/link"));  // and nothing below it
}

TEST_F(TreeWatchTest, AnOpenFileIsSettledWhenItIsClosed) {
  watch({root});
  std::ofstream file(root + "/slow");
  file << "half" << std::flush;
  const auto changes = tree->take();
  ASSERT_TRUE(changes);
  EXPECT_THAT(names(root, *changes, TreeChange::Kind::writing), UnorderedElementsAre("/slow"));
  EXPECT_THAT(names(root, *changes, TreeChange::Kind::settled), IsEmpty());
  file.close();
  EXPECT_THAT(seen(), UnorderedElementsAre("/slow"));
}

TEST_F(TreeWatchTest, NewDirectoriesAreWatchedWithAllThatIsInThem) {
  watch({root});
  fs::create_directories(root + "/new/deep");
  write("/new/deep/early");
  EXPECT_THAT(seen(), UnorderedElementsAre("/new", "/new/deep", "/new/deep/early"));
  write("/new/deep/late");
  EXPECT_THAT(seen(), UnorderedElementsAre("/new/deep/late"));
  fs::rename(root + "/new", root + "/named");
  EXPECT_THAT(seen(), UnorderedElementsAre("/new", "/named", "/named/deep", "/named/deep/early", "/named/deep/late"));
  write("/named/deep/late");
  EXPECT_THAT(seen(), UnorderedElementsAre("/named/deep/late"));
}

TEST_F(TreeWatchTest, ARemovedDirectoryIsToldAndMayComeBack) {
  watch({root});
  fs::remove_all(root + "/old");
  EXPECT_THAT(seen(), Contains("/old"));
  fs::create_directories(root + "/old");
  write("/old/file");
  EXPECT_THAT(seen(), UnorderedElementsAre("/old", "/old/file"));
  write("/old/file");
  EXPECT_THAT(seen(), UnorderedElementsAre("/old/file"));
}

TEST_F(TreeWatchTest, SkippedDirectoriesCostNothing) {
  fs::create_directories(root + "/skipped/deep");
  watch({root});
  const std::size_t before = tree->directory_count();
  write("/skipped/deep/file");
  fs::create_directories(root + "/old/skipped/deep");
  write("/old/skipped/deep/file");
  EXPECT_THAT(seen(), UnorderedElementsAre("/old/skipped"));
  EXPECT_EQ(tree->directory_count(), before);
}

TEST_F(TreeWatchTest, ARootThatIsNotThereIsWaitedFor) {
  const std::string late = root + "/not/yet/there";
  watch({late});
  write("/other");
  EXPECT_THAT(seen(), IsEmpty());
  fs::create_directories(late);
  write("/not/yet/there/file");
  EXPECT_THAT(seen(), Contains("/not/yet/there/file"));
  fs::remove_all(root + "/not");
  EXPECT_THAT(seen(), Contains("/not/yet/there"));
  fs::create_directories(late);
  (void)seen();
  write("/not/yet/there/again");
  EXPECT_THAT(seen(), Contains("/not/yet/there/again"));
}

TEST_F(TreeWatchTest, ASingleFileIsWatchedThroughItsDirectory) {
  watch({root + "/top"});
  write("/beside");
  EXPECT_THAT(seen(), IsEmpty());
  write("/new");
  fs::rename(root + "/new", root + "/top");  // as editors do when they save
  EXPECT_THAT(seen(), UnorderedElementsAre("/top"));
  write("/top");
  EXPECT_THAT(seen(), UnorderedElementsAre("/top"));
}

TEST_F(TreeWatchTest, LostEventsAreFoundByLookingAgain) {
  watch({root});
  write("/top", "another size");
  write("/added");
  fs::remove(root + "/old/file");
  fs::create_directories(root + "/fresh/deep");
  write("/fresh/deep/file");
  fs::remove_all(root + "/old/deep");
  drop_events();
  EXPECT_THAT(seen_again(), UnorderedElementsAre("/top", "/added", "/old/file", "/fresh", "/fresh/deep",
                                                 "/fresh/deep/file", "/old/deep"));
  EXPECT_THAT(seen_again(), IsEmpty());
  write("/fresh/deep/file", "once more");
  EXPECT_THAT(seen(), UnorderedElementsAre("/fresh/deep/file"));
}

TEST_F(TreeWatchTest, AnOverflowingQueueLosesNothing) {
  watch({root});
  const auto limit = read_file("/proc/sys/fs/inotify/max_queued_events", 64);
  ASSERT_TRUE(limit);
  const int events = std::atoi(limit->c_str());
  if (events > 100'000) GTEST_SKIP() << "the queue is too long to be filled: " << events;
  for (int i = 0; i <= events; ++i) ::chmod((root + (i % 2 ? "/top" : "/old/file")).c_str(), 0600);
  write("/after");
  EXPECT_THAT(seen(), Contains("/after"));
}

// Uses up the watches of its own user namespace, which allows few. Returns 0 if the error says what to do.
int in_a_small_namespace(const std::string& root) {
  if (::unshare(CLONE_NEWUSER) != 0) return 77;
  {
    std::ofstream limit("/proc/sys/user/max_inotify_watches");
    if (!(limit << "2" << std::flush)) return 77;
  }
  TreeWatchOptions options;
  options.roots = {root};
  const auto made = TreeWatch::create(std::move(options));
  if (made) return 1;
  if (made.error().code() != Code::unsupported) return 2;
  if (!made.error().message().contains("fs.inotify.max_user_watches is ")) return 3;
  return made.error().hint_text().contains("sudo sysctl fs.inotify.max_user_watches=") ? 0 : 4;
}

TEST_F(TreeWatchTest, TheKernelsLimitIsExplained) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(in_a_small_namespace(root));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no user namespace with limits of its own here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(TreeWatchTest, ATreeThatMovesWhileItIsReadStaysWatched) {
  watch({root});
  // The event for the move arrives after the new directory has been read.
  fs::create_directories(root + "/new");
  fs::rename(root + "/old", root + "/new/old");
  (void)seen();
  write("/new/old/file");
  EXPECT_THAT(seen(), UnorderedElementsAre("/new/old/file"));
  write("/new/old/deep/file");
  EXPECT_THAT(seen(), UnorderedElementsAre("/new/old/deep/file"));
}

}  // namespace
}  // namespace consort

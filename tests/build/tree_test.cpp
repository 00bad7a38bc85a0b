// Several threads list and hash the context's files.
#include "build/context/tree.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <thread>

#include "base/os/files/file.hpp"

namespace consort::build {
namespace {

namespace fs = std::filesystem;

class SourceTreeTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/source-tree-test-XXXXXX";
    directory = ::mkdtemp(name);
    for (int i = 0; i < directories; ++i) {
      const std::string below = directory + "/" + std::to_string(i % 7) + "/" + std::to_string(i);
      ASSERT_TRUE(make_directories(below, 0755));
      for (int k = 0; k < files; ++k)
        ASSERT_TRUE(write_file_atomic(below + "/" + std::to_string(k), std::to_string(i * files + k), 0644));
    }
  }
  void TearDown() override { fs::remove_all(directory); }

  // More directories than one thread lists alone, more files than one hashes alone.
  static constexpr int directories = 64, files = 4;
  static constexpr std::size_t all = 1 + 7 + directories + std::size_t{directories} * files;
  std::string directory;
};

// However many there are, and however long their values: a copy has them all.
TEST_F(SourceTreeTest, AttributesAreDigested) {
  const std::string file = directory + "/0/0/0";
  const auto set = [&](int number, const std::string& value) {
    const std::string name = "user." + std::string(60, 'a') + std::to_string(number);
    return ::setxattr(file.c_str(), name.c_str(), value.data(), value.size(), 0) == 0;
  };
  const auto digest = [&] {
    const SourceTree tree = SourceTree::of(open_file(directory, O_RDONLY | O_DIRECTORY).value(), "test");
    std::vector<FileEntry> entries = tree.walk("0/0", {}).value();
    EXPECT_TRUE(tree.hash("0/0", entries));
    for (const FileEntry& entry : entries)
      if (entry.path.ends_with("0")) return entry.hash;
    return FileHash{};
  };
  for (int i = 0; i < 30; ++i)
    if (!set(i, "x")) GTEST_SKIP() << "no extended attributes here: " << std::strerror(errno);
  const FileHash before = digest();
  ASSERT_TRUE(set(29, "y"));
  EXPECT_NE(digest(), before);
}

TEST_F(SourceTreeTest, IsTheSameForAllThreads) {
  const SourceTree tree = SourceTree::open(directory, {}, directory + "-index/index").value();
  std::vector<std::vector<FileEntry>> seen(3);
  {
    std::vector<std::jthread> threads;
    for (auto& entries : seen) {
      threads.emplace_back([&tree, &entries] {
        entries = tree.walk("", {}).value();
        EXPECT_TRUE(tree.hash("", entries));
        EXPECT_TRUE(tree.save_index());
      });
    }
  }
  ASSERT_EQ(seen[0].size(), all);
  std::set<FileHash> digests;
  for (std::size_t i = 0; i < all; ++i) {
    if (S_ISREG(seen[0][i].mode)) digests.insert(seen[0][i].hash);
    EXPECT_EQ(seen[0][i].hashed, S_ISREG(seen[0][i].mode));
    for (const auto& entries : seen) {
      EXPECT_EQ(entries[i].path, seen[0][i].path);
      EXPECT_EQ(entries[i].hash, seen[0][i].hash);
    }
  }
  EXPECT_EQ(digests.size(), std::size_t{directories} * files);
  fs::remove_all(directory + "-index");
}

TEST_F(SourceTreeTest, AFileThatHasGoneIsAnError) {
  const SourceTree tree = SourceTree::open(directory, {}, "").value();
  auto entries = tree.walk("", {}).value();
  fs::remove(directory + "/1/1/0");
  const auto hashed = tree.hash("", entries);
  ASSERT_FALSE(hashed);
  EXPECT_EQ(hashed.error().code(), Code::not_found);
}

}  // namespace
}  // namespace consort::build

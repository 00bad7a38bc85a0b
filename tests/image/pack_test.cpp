// Layers of any depth as tar, with few descriptors.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include "base/os/trees/directory.hpp"
#include "image/layer_tar.hpp"
#include "support.hpp"

namespace consort::image {
namespace {

using testing::HasSubstr;

class Pack : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_directories(root));
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = 128;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  void TearDown() override { ::setrlimit(RLIMIT_NOFILE, &before_); }

  void nest(int depth) {
    DirectoryCursor at =
        std::move(DirectoryCursor::at(open_file(root, O_RDONLY | O_DIRECTORY).value(), DirectoryCursor::Mounts::enter))
            .value();
    for (int i = 0; i < depth; ++i) {
      ASSERT_EQ(::mkdirat(at.fd(), "d", 0755), 0);
      ASSERT_TRUE(at.enter("d"));
    }
    ASSERT_TRUE(write_full(open_at(at.fd(), "file", O_WRONLY | O_CREAT).value().get(), "x"));
  }

  TempDir directory;
  std::string root = directory / "layer";

 private:
  rlimit before_{};
};

TEST_F(Pack, DirectoriesAreNestedAsDeeplyAsAPathCanName) {
  nest(700);
  std::string tar;
  const auto packed = pack_layer(root, sink_to(tar));
  ASSERT_TRUE(packed) << packed.error().message();
  EXPECT_EQ(*packed, 1U);
  if (!is_root()) GTEST_SKIP() << "needs root: owners";
  const std::string copy = directory / "copy";
  ASSERT_TRUE(make_directories(copy));
  ASSERT_TRUE(unpack_layer(source_of(tar), copy, {}));
  std::string again;
  ASSERT_TRUE(pack_layer(copy, sink_to(again)));
  EXPECT_TRUE(tar == again);
}

TEST_F(Pack, WhatNobodyCouldUnpackIsRefused) {
  nest(2200);
  std::string tar;
  const auto packed = pack_layer(root, sink_to(tar));
  ASSERT_FALSE(packed);
  EXPECT_THAT(packed.error().message(), HasSubstr("nested too deeply"));
}

// As a container may do while it is packed. A pipe would block us, and opening a device may have side effects.
TEST_F(Pack, NothingButFilesIsOpened) {
  const std::string file = root + "/file", pipe = directory / "pipe";
  ASSERT_TRUE(write_file_atomic(file, "of the file"));
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const Fd filled = open_file(pipe, O_RDWR | O_NONBLOCK).value();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(write_full(filled.get(), "of the pipe, "));
  Race race;
  std::jthread container([&](const std::stop_token& over) {
    while (!over.stop_requested()) (void)race.swap(file, pipe);
  });
  while (race.goes_on()) {
    std::string tar;
    const auto packed = pack_layer(root, sink_to(tar));
    ASSERT_THAT(tar, testing::Not(HasSubstr("of the pipe"))) << race.round();
    if (!packed) {
      ASSERT_THAT(packed.error().message(), HasSubstr("is a named pipe")) << race.round();
    }
  }
  if (race.swaps() == 0) GTEST_SKIP() << "needs a file system that exchanges names";
}

TEST_F(Pack, DirectoriesComeInTheOrderOfTheirNames) {
  for (const char* name : {"/b/y", "/b/x", "/a", "/c"}) ASSERT_TRUE(make_directories(root + name));
  ASSERT_TRUE(write_file_atomic(root + "/b/m", ""));
  std::string tar;
  ASSERT_TRUE(pack_layer(root, sink_to(tar)));
  std::vector<std::size_t> places;
  for (const char* name : {"a/", "b/", "b/m", "b/x/", "b/y/", "c/"})
    places.push_back(tar.find(std::string(name) + std::string(1, '\0')));
  EXPECT_TRUE(std::ranges::is_sorted(places) && places.back() != std::string::npos);
}

}  // namespace
}  // namespace consort::image

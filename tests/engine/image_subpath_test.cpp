// Layers in overlayfs's format, and what a path in them refers to.
#include "engine/start/image_subpath.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>

#include "base/os/files/file.hpp"

namespace consort::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ImageSubpath : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/consort-layers-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    layers_ = {directory_ + "/top", directory_ + "/low"};
    for (const std::string& layer : layers_) ASSERT_TRUE(make_directories(layer));
  }
  void TearDown() override { EXPECT_TRUE(remove_tree(directory_)); }

  void directory(const std::string& path) { ASSERT_TRUE(make_directories(directory_ + "/" + path)); }
  void file(const std::string& path) { ASSERT_TRUE(write_file_atomic(directory_ + "/" + path, "x")); }
  LayersPart part(const std::string& subpath) {
    auto found = part_of_layers(layers_, subpath);
    EXPECT_TRUE(found) << found.error().message();
    return found ? std::move(*found) : LayersPart{};
  }
  std::string error(const std::string& subpath) {
    const auto found = part_of_layers(layers_, subpath);
    return found ? "none" : found.error().message();
  }

  std::string directory_;
  std::vector<std::string> layers_;
};

TEST_F(ImageSubpath, DirectoriesOfAllLayersAreMerged) {
  directory("top/a/b");
  directory("low/a/b");
  directory("low/a/c");
  EXPECT_THAT(part("a/b").directories, ElementsAre(directory_ + "/top/a/b", directory_ + "/low/a/b"));
  EXPECT_THAT(part("./a//c/").directories, ElementsAre(directory_ + "/low/a/c"));
  EXPECT_EQ(part(".").directories, layers_);
  EXPECT_EQ(part("").directories, layers_);
}

TEST_F(ImageSubpath, TheTopmostFileHidesWhatIsBelow) {
  directory("top/a");
  directory("low/a/b");
  file("top/a/b");
  EXPECT_EQ(part("a/b").file, directory_ + "/top/a/b");
  EXPECT_THAT(part("a/b").directories, IsEmpty());
  EXPECT_THAT(error("a/b/c"), HasSubstr("no such file"));
  directory("top/d");
  file("low/d");
  EXPECT_THAT(part("d").directories, ElementsAre(directory_ + "/top/d"));
}

TEST_F(ImageSubpath, OpaqueDirectoriesAndWhiteoutsHideWhatIsBelow) {
  directory("top/a");
  directory("low/a/b");
  directory("top/c");
  directory("low/c");
  if (::setxattr((directory_ + "/top/a").c_str(), "user.overlay.opaque", "y", 1, 0) != 0)
    GTEST_SKIP() << "no attributes can be set here";
  EXPECT_THAT(error("a/b"), HasSubstr("no such file"));
  if (::mknod((directory_ + "/top/gone").c_str(), S_IFCHR, 0) != 0) GTEST_SKIP() << "no whiteouts can be made here";
  directory("low/gone");
  EXPECT_THAT(error("gone"), HasSubstr("no such file"));
}

TEST_F(ImageSubpath, NothingLeadsOut) {
  directory("low/a");
  ASSERT_EQ(::symlink("/etc", (directory_ + "/low/a/link").c_str()), 0);
  EXPECT_THAT(error("a/link/passwd"), HasSubstr("symbolic link"));
  for (const char* path : {"/a", "../low", "a/../../low", ".."})
    EXPECT_THAT(error(path), HasSubstr("stay inside")) << path;
}

}  // namespace
}  // namespace consort::engine

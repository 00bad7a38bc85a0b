// A symlink put into a volume after a path was looked up must not be followed to the host's files.
#include "base/volume_part.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os/files/file.hpp"

namespace consort {
namespace {

class VolumePartTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "consort-part-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    roots_.data = pattern;
    ASSERT_TRUE(make_directories(data() + "/a/b"));
  }
  void TearDown() override { EXPECT_TRUE(remove_tree(roots_.data)); }
  std::string data() const { return roots_.volume_data("v"); }

  Roots roots_;
};

TEST_F(VolumePartTest, IsOpenedWithoutFollowingALink) {
  const auto part = open_part_of_volume(roots_, data() + "/a/b").value();
  ASSERT_TRUE(part);
  struct stat by_path, by_part;
  ASSERT_EQ(::stat((data() + "/a/b").c_str(), &by_path), 0);
  ASSERT_EQ(::fstat(part->get(), &by_part), 0);
  EXPECT_EQ(by_part.st_ino, by_path.st_ino);

  ASSERT_TRUE(rename_path(data() + "/a", data() + "/moved"));
  ASSERT_EQ(::symlink("/", (data() + "/a").c_str()), 0);
  for (const char* path : {"/a", "/a/etc", "/moved/../a", "/../../.."}) {
    const auto refused = open_part_of_volume(roots_, data() + path);
    EXPECT_FALSE(refused) << path;
  }
}

TEST_F(VolumePartTest, ElsewhereNothingIsAsked) {
  for (const std::string& path : {data(), data() + "/", roots_.data + "/volumes/v", std::string("/etc")})
    EXPECT_FALSE(open_part_of_volume(roots_, path).value()) << path;
}

}  // namespace
}  // namespace consort

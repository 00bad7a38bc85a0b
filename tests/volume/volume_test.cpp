#include "volume/volume.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>

#include "base/os/files/file.hpp"
#include "volume/copy_tree.hpp"
#include "volume/layers_view.hpp"

namespace consort::volume {

using testing::HasSubstr;

class VolumeTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "consort-volume-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    roots_ = {directory_ + "/data", directory_ + "/run"};
    image_ = directory_ + "/image";
    ASSERT_TRUE(make_directories(image_ + "/srv/deep", 0755));
    ASSERT_TRUE(make_directories(roots_.data, 0755));
    ASSERT_TRUE(write_file_atomic(image_ + "/srv/deep/file", "content", 0640));
    ASSERT_EQ(::chmod((image_ + "/srv").c_str(), 01775), 0);
    ASSERT_EQ(::symlink("deep/file", (image_ + "/srv/link").c_str()), 0);
    ASSERT_EQ(::link((image_ + "/srv/deep/file").c_str(), (image_ + "/srv/twin").c_str()), 0);
    ASSERT_EQ(::symlink("/srv", (image_ + "/alias").c_str()), 0);
    root_ = std::move(open_file(image_, O_RDONLY | O_DIRECTORY)).value();
  }
  void TearDown() override { EXPECT_TRUE(remove_tree(directory_)); }

  std::string directory_, image_;
  Roots roots_;
  Fd root_;
};

TEST_F(VolumeTest, CopyUpBringsContentModesAndLinks) {
  ASSERT_TRUE(create_directory(roots_, "v1", Recorded::no));
  ASSERT_TRUE(copy_up(roots_, "v1", root_.get(), "/srv"));
  const std::string data = roots_.volume_data("v1");
  EXPECT_EQ(read_file(data + "/link").value(), "content");
  EXPECT_EQ(lstat_path(data)->st_mode & 07777, 01775U);
  EXPECT_EQ(lstat_path(data + "/deep/file")->st_mode & 07777, 0640U);
  EXPECT_EQ(lstat_path(data + "/deep/file")->st_ino, lstat_path(data + "/twin")->st_ino);
  EXPECT_EQ(lstat_path(data + "/deep/file")->st_mtim.tv_nsec, lstat_path(image_ + "/srv/deep/file")->st_mtim.tv_nsec);
  EXPECT_FALSE(needs_copy_up(roots_, "v1").value());
}

TEST_F(VolumeTest, CopyUpFollowsLinksInsideTheImageOnly) {
  ASSERT_EQ(::symlink("../../../../../../etc", (image_ + "/escape").c_str()), 0);
  ASSERT_TRUE(create_directory(roots_, "v1", Recorded::no));
  ASSERT_TRUE(copy_up(roots_, "v1", root_.get(), "/escape"));  // leads to /etc of the image, which is not there
  EXPECT_TRUE(needs_copy_up(roots_, "v1").value());
  ASSERT_TRUE(copy_up(roots_, "v1", root_.get(), "/alias"));
  EXPECT_TRUE(path_exists(roots_.volume_data("v1") + "/twin"));
}

TEST_F(VolumeTest, WhatIsNotEmptyIsLeftAlone) {
  ASSERT_TRUE(create_directory(roots_, "v1", Recorded::no));
  ASSERT_TRUE(write_file_atomic(roots_.volume_data("v1") + "/own", ""));
  ASSERT_TRUE(copy_up(roots_, "v1", root_.get(), "/srv"));
  EXPECT_FALSE(path_exists(roots_.volume_data("v1") + "/twin"));
}

TEST_F(VolumeTest, ACopyThatWasCutShortIsMadeAgain) {
  ASSERT_TRUE(create_directory(roots_, "v1", Recorded::no));
  ASSERT_TRUE(write_file_atomic(roots_.volume_data("v1") + "/half", ""));
  ASSERT_TRUE(write_file_atomic(roots_.data + "/volumes/v1/copying", ""));
  EXPECT_TRUE(needs_copy_up(roots_, "v1").value());
  ASSERT_TRUE(copy_up(roots_, "v1", root_.get(), "/srv"));
  EXPECT_FALSE(path_exists(roots_.volume_data("v1") + "/half"));
  EXPECT_TRUE(path_exists(roots_.volume_data("v1") + "/twin"));
}

TEST_F(VolumeTest, AFullDiskLeavesTheVolumeEmpty) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: mounts a small file system";
  ASSERT_TRUE(create_directory(roots_, "v1", Recorded::no));
  const DriverOptions small{{"type", "tmpfs"}, {"device", "tmpfs"}, {"o", "size=64k"}};
  ASSERT_TRUE(mount_volume(roots_, "v1", small));
  ASSERT_TRUE(write_file_atomic(image_ + "/srv/big", std::string(1 << 20, 'x')));
  const Result<> copied = copy_up(roots_, "v1", root_.get(), "/srv");
  ASSERT_FALSE(copied);
  EXPECT_THAT(copied.error().message(), HasSubstr("no space left on device"));
  EXPECT_EQ(copied.error().sys_errno(), ENOSPC) << "what the advice goes by";
  EXPECT_FALSE(path_exists(roots_.volume_data("v1") + "/link"));
  EXPECT_TRUE(needs_copy_up(roots_, "v1").value());
  ASSERT_TRUE(unmount_volume(roots_, "v1", small));
}

TEST_F(VolumeTest, DriverOptionsAreMountedOnceAndTakenAway) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: mounts";
  const DriverOptions bind{{"type", "none"}, {"o", "bind,ro"}, {"device", image_}};
  ASSERT_TRUE(check_options(bind));
  ASSERT_TRUE(create_directory(roots_, "v1", Recorded::no));
  ASSERT_TRUE(mount_volume(roots_, "v1", bind));
  ASSERT_TRUE(mount_volume(roots_, "v1", bind));
  EXPECT_TRUE(path_exists(roots_.volume_data("v1") + "/srv/twin"));
  EXPECT_FALSE(write_file_atomic(roots_.volume_data("v1") + "/new", ""));
  ASSERT_TRUE(unmount_volume(roots_, "v1", bind));
  EXPECT_FALSE(path_exists(roots_.volume_data("v1") + "/srv"));
  EXPECT_TRUE(path_exists(image_ + "/srv/twin"));
  const Result<> missing = mount_volume(roots_, "v1", {{"type", "none"}, {"o", "bind"}, {"device", "/nope"}});
  EXPECT_THAT(missing.error().message(), HasSubstr("failed to mount local volume: mount /nope:"));
}

TEST_F(VolumeTest, NamesAndOptionsAreChecked) {
  EXPECT_TRUE(check_name("proj_db-data.1"));
  EXPECT_THAT(check_name("a/b").error().message(), HasSubstr("includes invalid characters for a local volume name"));
  EXPECT_FALSE(check_name(".."));
  EXPECT_FALSE(check_name("x"));
  EXPECT_THAT(check_options({{"foo", "1"}}).error().message(), HasSubstr("invalid option: \"foo\""));
  EXPECT_FALSE(check_options({{"type", "nfs"}}));
}

TEST_F(VolumeTest, SubpathsStayInside) {
  ASSERT_TRUE(create_directory(roots_, "v1", Recorded::no));
  const std::string data = roots_.volume_data("v1");
  ASSERT_TRUE(make_directories(data + "/a/b", 0755));
  ASSERT_EQ(::symlink("/etc", (data + "/out").c_str()), 0);
  EXPECT_EQ(resolve_subpath(data, "a/b").value(), data + "/a/b");
  EXPECT_THAT(resolve_subpath(data, "nope").error().message(),
              HasSubstr("cannot access path " + data + "/nope: lstat " + data + "/nope: no such file or directory"));
  EXPECT_FALSE(resolve_subpath(data, "../x"));
  EXPECT_FALSE(resolve_subpath(data, "/a"));
  EXPECT_FALSE(resolve_subpath(data, "out/passwd"));
}

TEST_F(VolumeTest, LayersAreMergedAsTheKernelDoes) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: overlay mounts";
  const std::string upper = directory_ + "/upper";
  ASSERT_TRUE(make_directories(upper + "/srv", 0755));
  ASSERT_EQ(::mknod((upper + "/srv/twin").c_str(), S_IFCHR, 0), 0);
  const std::vector<std::string> layers{upper, image_};
  const Result<Fd> view = open_layers(layers, roots_.run + "/views");
  ASSERT_TRUE(view) << view.error().message();
  EXPECT_FALSE(open_in_root(view->get(), "/srv/twin", O_RDONLY));
  EXPECT_TRUE(open_in_root(view->get(), "/alias/deep/file", O_RDONLY));
  const std::string table = read_file("/proc/self/mountinfo").value();
  EXPECT_EQ(table.find(directory_), std::string::npos) << "the view must not be seen on the host";
}

TEST_F(VolumeTest, CopiesDirectoriesOfAnyDepthWithFewDescriptors) {
  // In memory if possible: a disk is slow at each level.
  std::string place = path_exists("/dev/shm") ? "/dev/shm/consort-copy-XXXXXX" : directory_ + "/copy-XXXXXX";
  ASSERT_NE(::mkdtemp(place.data()), nullptr);
  const std::string source = place + "/deep", target = place + "/copy";
  ASSERT_TRUE(make_directories(source));
  ASSERT_TRUE(make_directories(target));
  Fd at = open_file(source, O_RDONLY | O_DIRECTORY).value();
  for (int i = 0; i < 3000; ++i) {  // deeper than any path can be long
    ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
    at = open_at(at.get(), "d", O_RDONLY | O_DIRECTORY).value();
  }
  ASSERT_EQ(::mkdirat(at.get(), "last", 01700), 0);
  for (const char* name : {"file", "twin"})  // two hard links to one file
    ASSERT_TRUE(*name == 'f' ? write_full(open_at(at.get(), name, O_WRONLY | O_CREAT)->get(), "content").has_value()
                             : ::linkat(at.get(), "file", at.get(), name, 0) == 0);
  rlimit before{}, few{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  few = {.rlim_cur = 64, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  const Result<> copied =
      copy_tree(open_file(source, O_RDONLY | O_DIRECTORY)->get(), open_file(target, O_RDONLY | O_DIRECTORY)->get());
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_TRUE(copied) << copied.error().message();
  at = open_file(target, O_RDONLY | O_DIRECTORY).value();
  for (int i = 0; i < 3000; ++i) at = open_at(at.get(), "d", O_RDONLY | O_DIRECTORY).value();
  for (const char* name : {"file", "twin"})
    EXPECT_EQ(read_all(open_at(at.get(), name, O_RDONLY)->get(), 100).value(), "content");
  struct stat st;
  ASSERT_EQ(::fstatat(at.get(), "last", &st, 0), 0);
  EXPECT_EQ(st.st_mode & 07777, 01700U);
  EXPECT_TRUE(remove_tree(place));
}

TEST_F(VolumeTest, CopiesOwnersDevicesAndAttributes) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: owners and devices";
  ASSERT_EQ(::mknod((image_ + "/srv/null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
  ASSERT_EQ(::lchown((image_ + "/srv/link").c_str(), 5, 6), 0);
  ASSERT_EQ(::chown((image_ + "/srv/deep/file").c_str(), 7, 8), 0);
  ASSERT_EQ(::chmod((image_ + "/srv/deep/file").c_str(), 04755), 0);
  const bool attributes = ::setxattr((image_ + "/srv/deep/file").c_str(), "user.note", "x", 1, 0) == 0;
  ASSERT_TRUE(create_directory(roots_, "v1", Recorded::no));
  ASSERT_TRUE(copy_up(roots_, "v1", root_.get(), "/srv"));
  const std::string data = roots_.volume_data("v1");
  EXPECT_EQ(lstat_path(data + "/null")->st_rdev, makedev(1, 3));
  EXPECT_EQ(lstat_path(data + "/link")->st_uid, 5U);
  EXPECT_EQ(lstat_path(data + "/deep/file")->st_gid, 8U);
  EXPECT_EQ(lstat_path(data + "/deep/file")->st_mode & 07777, 04755U);
  char value = 0;
  if (attributes) {
    EXPECT_EQ(::getxattr((data + "/deep/file").c_str(), "user.note", &value, 1), 1);
  }
}

}  // namespace consort::volume

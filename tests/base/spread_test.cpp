#include "base/os/trees/spread.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <cstdlib>

#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"

namespace consort {
namespace {

TEST(SpreadSubdirectoriesTest, MarksTheDirectoryWhereTheFileSystemKnowsTheMark) {
  std::string pattern = testing::TempDir() + "consort-spread-XXXXXX";
  const std::string directory = ::mkdtemp(pattern.data());
  const Fd fd = open_file(directory, O_RDONLY | O_DIRECTORY).value();
  int before = 0, wanted = 0, after = 0;
  const bool has_flags = ::ioctl(fd.get(), FS_IOC_GETFLAGS, &before) == 0;
  wanted = before | FS_TOPDIR_FL;
  const bool knows_it = has_flags && ::ioctl(fd.get(), FS_IOC_SETFLAGS, &wanted) == 0;
  if (knows_it) {
    ASSERT_EQ(::ioctl(fd.get(), FS_IOC_SETFLAGS, &before), 0);
  }

  spread_subdirectories(fd.get());
  EXPECT_EQ(::ioctl(fd.get(), FS_IOC_GETFLAGS, &after) == 0, has_flags);
  EXPECT_EQ(after, knows_it ? wanted : before) << "the other flags stay";
  ASSERT_TRUE(remove_tree(directory));
}

}  // namespace
}  // namespace consort

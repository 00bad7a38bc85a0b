// Which files of the previous export are removed when an export is repeated.
#include "cli/commands/export/former_files.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/os/files/file.hpp"
#include "units/units.hpp"

namespace consort::cli {
namespace {

TEST(FormerFiles, OfUnitsGoWithTheirContentAndOthersStay) {
  std::string directory = testing::TempDir() + "former-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  const std::string files = units::files_directory("app");
  for (const char* name : {"settings-00c0ffee", "settings-0badcafe", "notes.txt", "my-0badcafe.bak"})
    ASSERT_TRUE(write_exported(directory, {{files + "/" + name, "x", 0600}}, 0700));
  ASSERT_TRUE(write_exported(directory, {{"other-0badcafe", "x", 0600}}, 0700));
  const std::vector<ExportedFile> now{{files + "/settings-00c0ffee", "x", 0600}};
  ASSERT_TRUE(remove_former_files(directory, now, {files, "not-there"}, units::is_beside));
  const auto is_there = [&](const std::string& path) { return path_exists(join_path(directory, path)); };
  EXPECT_FALSE(is_there(files + "/settings-0badcafe"));
  for (const char* name : {"settings-00c0ffee", "notes.txt", "my-0badcafe.bak"})
    EXPECT_TRUE(is_there(files + "/" + name)) << name;
  EXPECT_TRUE(is_there("other-0badcafe"));
  EXPECT_TRUE(remove_tree(directory));
}

}  // namespace
}  // namespace consort::cli

#include "base/sqlite/migrations.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <vector>

#include "base/os/files/file.hpp"

namespace consort {
namespace {

class MigrationsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/consort-db-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { ASSERT_TRUE(remove_tree(directory_)); }
  Database open() { return Database::open(directory_ + "/db").value(); }
  std::string columns() {
    Database db = open();
    return db
        .query("look",
               [](SQLite::Database& raw) {
                 std::string names;
                 SQLite::Statement rows(raw, "SELECT name FROM pragma_table_info('things')");
                 while (rows.executeStep()) names += rows.getColumn(0).getString() + " ";
                 return names;
               })
        .value();
  }

  static constexpr const char* first = "CREATE TABLE IF NOT EXISTS things(a TEXT)";
  static constexpr const char* second = "ALTER TABLE things ADD COLUMN b TEXT";
  static constexpr const char* third = "ALTER TABLE things ADD COLUMN c TEXT";
  std::string directory_;
};

TEST_F(MigrationsTest, EachStepRunsOnce) {
  Database db = open();
  ASSERT_TRUE(migrate(db, "things", std::vector{first}));
  EXPECT_EQ(columns(), "a ");
  ASSERT_TRUE(migrate(db, "things", std::vector{first, second, third}));
  EXPECT_EQ(columns(), "a b c ");
  Database other = open();
  ASSERT_TRUE(migrate(other, "things", std::vector{first, second, third}));
  EXPECT_EQ(columns(), "a b c ");
}

TEST_F(MigrationsTest, TablesFromBeforeVersionsAreTakenOver) {
  Database db = open();
  ASSERT_TRUE(db.query("make", [](SQLite::Database& raw) { raw.exec("CREATE TABLE things(a TEXT)"); }));
  ASSERT_TRUE(migrate(db, "things", std::vector{first, second}));
  EXPECT_EQ(columns(), "a b ");
}

TEST_F(MigrationsTest, AStepThatFailsLeavesTheVersionBefore) {
  Database db = open();
  ASSERT_TRUE(migrate(db, "things", std::vector{first}));
  EXPECT_FALSE(migrate(db, "things", std::vector{first, second, "ALTER TABLE nothing ADD COLUMN c TEXT"}));
  EXPECT_EQ(columns(), "a ");
  ASSERT_TRUE(migrate(db, "things", std::vector{first, second, third}));
  EXPECT_EQ(columns(), "a b c ");
}

TEST_F(MigrationsTest, ANewerVersionIsRefusedAndLeftAlone) {
  Database db = open();
  ASSERT_TRUE(migrate(db, "things", std::vector{first, second, third}));
  const Result<> refused = migrate(db, "things", std::vector{first, second});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::unsupported);
  EXPECT_TRUE(refused.error().message().contains("a newer version of Consort")) << refused.error().message();
  EXPECT_TRUE(refused.error().message().contains(directory_ + "/db")) << refused.error().message();
  EXPECT_EQ(columns(), "a b c ");
}

TEST_F(MigrationsTest, PartsHaveVersionsOfTheirOwn) {
  Database db = open();
  ASSERT_TRUE(migrate(db, "things", std::vector{first, second}));
  EXPECT_TRUE(migrate(db, "others", std::vector{"CREATE TABLE IF NOT EXISTS others(a TEXT)"}));
}

TEST_F(MigrationsTest, TheFilesAreTheOwnersAlone) {
  const mode_t before = ::umask(0);
  Database db = open();
  ASSERT_TRUE(migrate(db, "things", std::vector{first}));
  ::umask(before);
  for (const char* file : {"/db", "/db-wal", "/db-shm"})
    EXPECT_EQ(stat_path(directory_ + file)->st_mode & 07777, 0600u) << file;
}

}  // namespace
}  // namespace consort

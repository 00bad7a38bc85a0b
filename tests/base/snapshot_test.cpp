#include "base/sqlite/snapshot.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/os/files/file.hpp"
#include "base/sqlite/database.hpp"

namespace consort {
namespace {

int count(SQLite::Database& db) {
  SQLite::Statement rows(db, "SELECT count(*) FROM things");
  rows.executeStep();
  return rows.getColumn(0).getInt();
}

TEST(Snapshot, WhatOthersWriteIsNotSeenBeforeItsEnd) {
  std::string directory = testing::TempDir() + "/consort-db-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  Database own = Database::open(directory + "/db").value(), other = Database::open(directory + "/db").value();
  ASSERT_TRUE(own.query("make", [](SQLite::Database& db) { db.exec("CREATE TABLE things(a TEXT)"); }));
  const auto add = [&] {
    return other.transaction("add", [](SQLite::Database& db) { db.exec("INSERT INTO things VALUES('x')"); });
  };
  ASSERT_TRUE(own.query("count", [&](SQLite::Database& db) {
    const Snapshot snapshot(db);
    EXPECT_EQ(count(db), 0);
    EXPECT_TRUE(add());
    EXPECT_EQ(count(db), 0);
  }));
  EXPECT_EQ(own.query("count", count).value(), 1);
  // Nothing of it is left: the next one may write.
  EXPECT_TRUE(own.transaction("add", [](SQLite::Database& db) { db.exec("INSERT INTO things VALUES('y')"); }));
  EXPECT_TRUE(remove_tree(directory));
}

}  // namespace
}  // namespace consort

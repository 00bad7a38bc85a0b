// state.db outlives the program that wrote it: tests databases of earlier versions, which are kept in state/ as text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/os/files/file.hpp"
#include "base/sqlite/database.hpp"
#include "build/cache/cache.hpp"
#include "engine/engine.hpp"
#include "engine/events.hpp"
#include "engine/images.hpp"
#include "image/store.hpp"

namespace consort::engine {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Pair;

class StateTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/consort-state-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { ASSERT_TRUE(remove_tree(directory_)); }

  Roots roots(const std::string& name) { return {directory_ + "/" + name + "/data", directory_ + "/" + name + "/run"}; }
  // A data root with the database that the text creates.
  Roots written_by(const std::string& version) {
    Roots made = roots("of-" + version);
    EXPECT_TRUE(made.prepare());
    const std::string text = read_file(std::string(CONSORT_TEST_DATA) + "/state/" + version + ".sql").value();
    Database database = Database::open(made.state_db()).value();
    EXPECT_TRUE(database.query("restore", [&](SQLite::Database& db) { db.exec(text); }));
    return made;
  }
  static void open_all(const Roots& roots) {
    auto engine = Engine::open(roots);
    ASSERT_TRUE(engine) << engine.error().message();
    image::Store store = image::Store::open(roots).value();
    ASSERT_TRUE(build::Cache::open(store));
  }
  static std::vector<std::string> schema_of(const Roots& roots) {
    Database database = Database::open(roots.state_db()).value();
    return database
        .query("read schema",
               [](SQLite::Database& db) {
                 std::vector<std::string> found;
                 SQLite::Statement rows(db, "SELECT type, name, coalesce(sql, '') FROM sqlite_schema ORDER BY 1, 2");
                 while (rows.executeStep())
                   found.push_back(rows.getColumn(0).getString() + " " + rows.getColumn(1).getString() + ": " +
                                   rows.getColumn(2).getString());
                 return found;
               })
        .value();
  }

  std::string directory_;
};

TEST_F(StateTest, WhatVersion01WroteIsReadAndBroughtUpToDate) {
  const Roots old = written_by("0.1");
  open_all(old);
  auto engine = Engine::open(old).value();
  const std::vector<Container> containers = engine->list().value();
  ASSERT_EQ(containers.size(), 2u);
  const ContainerDetails web = engine->inspect("app-web-1").value();
  EXPECT_EQ(web.project, "app");
  EXPECT_THAT(web.command, ElementsAre("sh", "-c", "sleep 1000"));
  EXPECT_EQ(web.networks.at(0).network, "app_front");
  EXPECT_EQ(web.ports.at(0).container_port, 80);
  EXPECT_EQ(web.mounts.size(), 4u);
  EXPECT_EQ(web.spec.ulimits.at(0).hard, 200);
  EXPECT_THAT(web.labels, Contains(Pair("of", "today")));
  EXPECT_EQ(engine->list_networks().value().size(), 1u);
  EXPECT_EQ(engine->list_volumes().value().size(), 2u);
  EXPECT_EQ(engine->inspect_volume("app_data").value().spec.labels.at("kept"), "yes");
  EXPECT_EQ(engine->images().list().value().size(), 2u);
  EXPECT_FALSE(engine->events("app").next().value().empty());
  // It is still writable.
  EXPECT_TRUE(engine->create_volume({.name = "more"}));
}

// A changed table must come with a migration for existing databases.
TEST_F(StateTest, AnOldDatabaseEndsWithTheTablesOfANewOne) {
  const Roots old = written_by("0.1"), fresh = roots("new");
  open_all(old);
  open_all(fresh);
  EXPECT_EQ(schema_of(old), schema_of(fresh));
}

TEST_F(StateTest, ANewerDatabaseIsRefused) {
  const Roots newer = roots("newer");
  open_all(newer);
  Database database = Database::open(newer.state_db()).value();
  ASSERT_TRUE(database.query("age", [](SQLite::Database& db) {
    db.exec("UPDATE schema_versions SET version = version + 1 WHERE part = 'engine'");
  }));
  const auto refused = Engine::open(newer);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::unsupported);
  EXPECT_THAT(refused.error().message(), testing::HasSubstr("a newer version of Consort"));
  EXPECT_THAT(refused.error().hint_text(), testing::HasSubstr("CONSORT_DATA_ROOT"));
}

}  // namespace
}  // namespace consort::engine

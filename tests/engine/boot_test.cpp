#include "engine/boot.hpp"

#include "base/sqlite/database.hpp"
#include "fixture.hpp"

namespace consort::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class BootTest : public EngineTest {
 protected:
  void change(const std::string& id, const std::string& assignment) {
    Database database = Database::open(roots().state_db()).value();
    ASSERT_TRUE(database.query("change", [&](SQLite::Database& db) {
      db.exec("UPDATE engine_containers SET " + assignment + " WHERE id = '" + id + "'");
    }));
  }
};

// An unreadable record must not keep the others from being started again or removed.
TEST_F(BootTest, ARecordThatCannotBeReadIsToldAndTheOthersAreSeenTo) {
  ContainerSpec first = probe({"pause"}), second = probe({"pause"}), third = probe({"pause"});
  first.auto_remove = second.auto_remove = true;
  third.restart.mode = RestartMode::unless_stopped;
  const std::string broken = create(first), cut_short = create(second), brought_back = create(third);
  for (const std::string& id : {broken, cut_short, brought_back}) change(id, "wanted = 1");
  change(broken, "spec = '{' || spec");
  std::vector<std::string> told;
  const auto tell = [&](const Error& error) { told.push_back(error.message()); };
  Boot boot = Boot::open(roots()).value();
  EXPECT_THAT(boot.to_remove(tell).value(), ElementsAre(cut_short));
  EXPECT_THAT(boot.to_bring_back(tell).value()[project_], ElementsAre(brought_back));
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_THAT(told[0], HasSubstr(broken.substr(0, 12)));
  change(broken, "spec = substr(spec, 2)");
}

}  // namespace
}  // namespace consort::engine

// Events of two sources as one: the database's and the supervisor's.
#include <poll.h>

#include <atomic>
#include <thread>

#include "base/os/file.hpp"
#include "fixture.hpp"
#include "supervisor/journal.hpp"

namespace consort::engine {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

namespace {

std::vector<std::string> actions_of(const std::vector<EngineEvent>& events) {
  std::vector<std::string> actions;
  for (const EngineEvent& event : events)
    if (event.type == "container") actions.push_back(event.action);
  return actions;
}

}  // namespace

TEST_F(EngineTest, EventsTellWhatHappened) {
  ContainerSpec spec = probe({"exit", "3"});
  spec.labels["com.example.a"] = "b";
  const std::string id = create(spec);
  ASSERT_TRUE(engine().start_container(id));
  ASSERT_TRUE(engine().wait_container(id));
  EventCursor cursor;
  const std::vector<EngineEvent> events = engine().events(project_, cursor).value();
  EXPECT_THAT(actions_of(events), ElementsAre("create", "start", "die"));
  for (const EngineEvent& event : events) {
    if (event.type != "container") continue;
    EXPECT_EQ(event.id, id);
    EXPECT_THAT(event.attributes, AllOf(Contains(Pair("com.example.a", "b")), Contains(Pair("name", spec.name)),
                                        Contains(Pair("image", image_name))));
  }
  EXPECT_THAT(events.back().attributes, Contains(Pair("exitCode", "3")));
  EXPECT_THAT(engine().events(project_, cursor).value(), IsEmpty());
}

TEST_F(EngineTest, EventsGoOnFromTheirCursor) {
  const std::string id = create(probe({"pause"}));
  EventCursor cursor;
  EXPECT_THAT(actions_of(engine().events(project_, cursor).value()), ElementsAre("create"));
  ASSERT_TRUE(engine().start_container(id));
  EXPECT_THAT(actions_of(engine().events(project_, cursor).value()), ElementsAre("start"));
  ASSERT_TRUE(engine().kill_container(id, "KILL"));
  EXPECT_THAT(actions_of(engine().events(project_, cursor).value()), ElementsAre("kill", "die"));
}

TEST_F(EngineTest, EventsOfAContainerThatIsGoneKeepItsLabels) {
  ContainerSpec spec = probe({"true"});
  spec.labels["com.example.a"] = "b";
  const std::string id = create(spec);
  ASSERT_TRUE(engine().start_container(id));
  ASSERT_TRUE(engine().wait_container(id));
  ASSERT_TRUE(engine().remove_container(id));
  EventCursor cursor;
  const std::vector<EngineEvent> events = engine().events(project_, cursor).value();
  EXPECT_THAT(actions_of(events), ElementsAre("create", "start", "die", "destroy"));
  for (const EngineEvent& event : events) {
    if (event.type != "container") continue;
    EXPECT_THAT(event.attributes, Contains(Pair("com.example.a", "b"))) << event.action;
  }
}

TEST_F(EngineTest, EventsAreOfOneProjectAndInTheOrderOfTime) {
  const std::string id = create(probe({"true"}));
  const SystemTime now = system_now();
  const auto add = [&](const std::string& project, const std::string& action, Nanoseconds after) {
    ASSERT_TRUE(supervisor::append_to_journal(
        roots().project_run(project),
        {.time = now + after, .action = action, .id = id, .name = "n", .attributes = {}, .exec = 0}));
  };
  add(project_, "before", -std::chrono::hours(1));
  add(project_ + "x", "elsewhere", Nanoseconds(0));
  add(project_, "after", std::chrono::hours(1));
  EventCursor cursor;
  EXPECT_THAT(actions_of(engine().events(project_, cursor).value()), ElementsAre("before", "create", "after"));
}

TEST_F(EngineTest, ANameIsToldAsItWasThen) {
  ContainerSpec spec = probe({"true"});
  spec.labels["com.example.a"] = "b";
  const std::string id = create(spec);
  ASSERT_TRUE(engine().start_container(id));
  ASSERT_TRUE(engine().wait_container(id));
  ASSERT_TRUE(engine().rename_container(id, spec.name + "x"));
  EventCursor cursor;
  const std::vector<EngineEvent> events = engine().events(project_, cursor).value();
  ASSERT_THAT(actions_of(events), ElementsAre("create", "start", "die", "rename"));
  const EngineEvent& renamed = events.back();
  EXPECT_THAT(renamed.attributes, AllOf(Contains(Pair("name", spec.name + "x")), Contains(Pair("com.example.a", "b")),
                                        Contains(Pair("oldName", "/" + spec.name))));
  EXPECT_THAT(events[events.size() - 2].attributes, Contains(Pair("name", spec.name)));
}

// However they are asked for while things happen: nothing twice, nothing left out, no cause after its effect.
TEST_F(EngineTest, EventsKeepTheirOrderWhileTheyHappen) {
  constexpr int rounds = 10;
  std::atomic<bool> over = false;
  std::vector<std::string> seen;
  const std::unique_ptr<Engine> other = second_engine();
  {
    std::jthread reader([&] {
      EventCursor cursor;
      for (bool last = false; !last;) {
        last = over;
        for (const std::string& action : actions_of(other->events(project_, cursor).value())) seen.push_back(action);
      }
    });
    for (int i = 0; i < rounds; ++i) {
      const std::string id = create(probe({"true"}));
      EXPECT_TRUE(engine().start_container(id));
      EXPECT_TRUE(engine().wait_container(id));
      EXPECT_TRUE(engine().remove_container(id));
    }
    over = true;
  }
  std::vector<std::string> expected;
  for (int i = 0; i < rounds; ++i) expected.insert(expected.end(), {"create", "start", "die", "destroy"});
  EXPECT_EQ(seen, expected);
}

TEST_F(EngineTest, WatchingEventsWakes) {
  EXPECT_LT(engine().watch_events(project_)->get(), 0);  // nothing has run
  const std::string id = create(probe({"true"}));
  ASSERT_TRUE(engine().start_container(id));
  ASSERT_TRUE(engine().wait_container(id));
  const auto is_readable = [](const Fd& fd) {
    pollfd wait{fd.get(), POLLIN, 0};
    return ::poll(&wait, 1, 60'000) == 1;
  };
  const Fd journal = engine().watch_events(project_).value();
  ASSERT_GE(journal.get(), 0);
  (void)engine().top(id);
  engine().note_event(engine().inspect(id).value(), "attach");
  EXPECT_TRUE(is_readable(journal));
  ASSERT_TRUE(engine().end_project(project_));
  const Fd database = engine().watch_events(project_).value();
  ASSERT_TRUE(second_engine()->rename_container(id, project_ + "renamed"));
  EXPECT_TRUE(is_readable(database));
}

}  // namespace consort::engine

// Events from two sources as one stream: the database's and the supervisor's.
#include <poll.h>

#include <atomic>
#include <thread>

#include "base/os/files/file.hpp"
#include "engine/events.hpp"
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
  EventStream stream = engine().events(project_);
  const std::vector<EngineEvent> events = stream.next().value();
  EXPECT_THAT(actions_of(events), ElementsAre("create", "start", "die"));
  for (const EngineEvent& event : events) {
    if (event.type != "container") continue;
    EXPECT_EQ(event.id, id);
    EXPECT_THAT(event.attributes, AllOf(Contains(Pair("com.example.a", "b")), Contains(Pair("name", spec.name)),
                                        Contains(Pair("image", image_name))));
  }
  EXPECT_THAT(events.back().attributes, Contains(Pair("exitCode", "3")));
  EXPECT_THAT(stream.next().value(), IsEmpty());
}

TEST_F(EngineTest, EventsGoOnFromTheirCursor) {
  const std::string id = create(probe({"pause"}));
  EventStream stream = engine().events(project_);
  EXPECT_THAT(actions_of(stream.next().value()), ElementsAre("create"));
  ASSERT_TRUE(engine().start_container(id));
  EXPECT_THAT(actions_of(stream.next().value()), ElementsAre("start"));
  ASSERT_TRUE(engine().kill_container(id, "KILL"));
  EXPECT_THAT(actions_of(stream.next().value()), ElementsAre("kill", "die"));
}

TEST_F(EngineTest, EventsAfterARenameHaveTheNewName) {
  const std::string id = create(probe({"pause"}));
  ASSERT_TRUE(engine().start_container(id));
  ASSERT_TRUE(engine().rename_container(id, "renamed-while-it-runs"));
  EventStream late = engine().events(project_);
  ASSERT_TRUE(late.skip_to_now());
  ASSERT_TRUE(engine().kill_container(id, "KILL"));
  const auto has_new_name = Contains(Pair("name", "renamed-while-it-runs"));
  const std::vector<EngineEvent> after = late.next().value();
  for (const EngineEvent& event : after) {
    if (event.type != "container") continue;
    EXPECT_THAT(event.attributes, has_new_name);
  }
  EventStream whole = engine().events(project_);
  const std::vector<EngineEvent> all = whole.next().value();
  for (const EngineEvent& event : all) {
    if (event.action != "start") continue;
    EXPECT_THAT(event.attributes, testing::Not(has_new_name));
  }
}

TEST_F(EngineTest, EventsOfAContainerThatIsGoneKeepItsLabels) {
  ContainerSpec spec = probe({"true"});
  spec.labels["com.example.a"] = "b";
  const std::string id = create(spec);
  ASSERT_TRUE(engine().start_container(id));
  ASSERT_TRUE(engine().wait_container(id));
  ASSERT_TRUE(engine().remove_container(id));
  EventStream stream = engine().events(project_);
  const std::vector<EngineEvent> events = stream.next().value();
  EXPECT_THAT(actions_of(events), ElementsAre("create", "start", "die", "destroy"));
  for (const EngineEvent& event : events) {
    if (event.type != "container") continue;
    EXPECT_THAT(event.attributes, Contains(Pair("com.example.a", "b"))) << event.action;
  }
}

// A client that waits for the removal of a container must not find any of its volumes afterwards.
TEST_F(EngineTest, AnonymousVolumesGoBeforeTheRemovalOfTheirContainerIsTold) {
  ContainerSpec spec = probe({"true"});
  spec.mounts.push_back({.type = MountType::volume, .target = "/data"});
  const std::string id = create(spec);
  const std::string volume = engine().inspect(id)->mounts.at(0).name;
  EventStream stream = engine().events("");
  ASSERT_TRUE(stream.skip_to_now());
  ASSERT_TRUE(engine().remove_container(id, {.volumes = AnonymousVolumes::remove}));
  std::vector<std::string> told;
  const std::vector<EngineEvent> events = stream.next().value();
  for (const EngineEvent& event : events)
    if (event.id == id || event.id == volume) told.push_back(event.type + " " + event.action);
  EXPECT_THAT(told, ElementsAre("volume destroy", "container destroy"));
  EXPECT_FALSE(engine().inspect_volume(volume));
  EXPECT_FALSE(path_exists(roots().volume_data(volume)));
}

TEST_F(EngineTest, AnonymousVolumesThatOthersUseStay) {
  ContainerSpec spec = probe({"true"});
  spec.mounts.push_back({.type = MountType::volume, .target = "/data"});
  const std::string first = create(spec);
  const std::string volume = engine().inspect(first)->mounts.at(0).name;
  ContainerSpec with = probe({"true"});
  with.name += "-with";
  with.volumes_from = {spec.name};
  const std::string second = create(with);
  ASSERT_TRUE(engine().remove_container(first, {.volumes = AnonymousVolumes::remove}));
  EXPECT_TRUE(engine().inspect_volume(volume));
  EXPECT_TRUE(path_exists(roots().volume_data(volume)));
  ASSERT_TRUE(engine().remove_container(second, {.volumes = AnonymousVolumes::remove}));
  EXPECT_FALSE(engine().inspect_volume(volume));
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
  EventStream stream = engine().events(project_);
  EXPECT_THAT(actions_of(stream.next().value()), ElementsAre("before", "create", "after"));
}

TEST_F(EngineTest, ANameIsToldAsItWasThen) {
  ContainerSpec spec = probe({"true"});
  spec.labels["com.example.a"] = "b";
  const std::string id = create(spec);
  ASSERT_TRUE(engine().start_container(id));
  ASSERT_TRUE(engine().wait_container(id));
  ASSERT_TRUE(engine().rename_container(id, spec.name + "x"));
  EventStream stream = engine().events(project_);
  const std::vector<EngineEvent> events = stream.next().value();
  ASSERT_THAT(actions_of(events), ElementsAre("create", "start", "die", "rename"));
  const EngineEvent& renamed = events.back();
  EXPECT_THAT(renamed.attributes, AllOf(Contains(Pair("name", spec.name + "x")), Contains(Pair("com.example.a", "b")),
                                        Contains(Pair("oldName", "/" + spec.name))));
  EXPECT_THAT(events[events.size() - 2].attributes, Contains(Pair("name", spec.name)));
}

// However they are read while things happen: no event twice, none missing, no cause after its effect.
TEST_F(EngineTest, EventsKeepTheirOrderWhileTheyHappen) {
  constexpr int rounds = 10;
  std::atomic<bool> over = false;
  std::vector<std::string> seen;
  const std::unique_ptr<Engine> other = second_engine();
  {
    std::jthread reader([&] {
      EventStream stream = other->events(project_);
      for (bool last = false; !last;) {
        last = over;
        for (const std::string& action : actions_of(stream.next().value())) seen.push_back(action);
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

namespace {

bool is_readable(const EventStream& stream) {
  pollfd wait{stream.fd(), POLLIN, 0};
  return ::poll(&wait, 1, 60'000) == 1;
}

}  // namespace

TEST_F(EngineTest, WatchingEventsWakes) {
  EventStream stream = engine().events(project_);
  ASSERT_GE(stream.fd(), 0);
  EXPECT_THAT(stream.next().value(), IsEmpty());
  const std::string id = create(probe({"true"}));  // the database
  EXPECT_TRUE(is_readable(stream));
  EXPECT_THAT(actions_of(stream.next().value()), ElementsAre("create"));
  ASSERT_TRUE(engine().start_container(id));  // a directory and a journal that were not there
  ASSERT_TRUE(engine().wait_container(id));
  ASSERT_TRUE(engine().end_project(project_));
  EXPECT_TRUE(is_readable(stream));
  EXPECT_THAT(actions_of(stream.next().value()), ElementsAre("start", "die"));
  engine().note_event(engine().inspect(id).value(), "attach");
  EXPECT_TRUE(is_readable(stream));
  EXPECT_THAT(actions_of(stream.next().value()), ElementsAre("attach"));
  ASSERT_TRUE(second_engine()->rename_container(id, project_ + "renamed"));
  EXPECT_TRUE(is_readable(stream));
  EXPECT_THAT(actions_of(stream.next().value()), ElementsAre("rename"));
}

TEST_F(EngineTest, EventsFromNowOnLeaveOutWhatWas) {
  const std::string id = create(probe({"pause"}));
  ASSERT_TRUE(engine().start_container(id));
  EventStream stream = engine().events(project_);
  ASSERT_TRUE(stream.skip_to_now());
  EXPECT_THAT(stream.next().value(), IsEmpty());
  ASSERT_TRUE(engine().kill_container(id, "KILL"));
  ASSERT_TRUE(engine().remove_container(id));
  EXPECT_THAT(actions_of(stream.next().value()), ElementsAre("kill", "die", "destroy"));
}

// Woken by an appended event, the reader must see what the writer commits a moment later, because it is not woken
// again.
TEST_F(EngineTest, NobodyMissesTheLastEvent) {
  const std::unique_ptr<Engine> other = second_engine();
  EventStream stream = other->events(project_);
  ASSERT_TRUE(stream.skip_to_now());
  for (int i = 0; i < 20; ++i) {
    const std::string id = create(probe({"true"}));
    EXPECT_THAT(actions_of(stream.next().value()), ElementsAre("create"));
    std::jthread remover([&] { EXPECT_TRUE(engine().remove_container(id)); });
    std::vector<std::string> seen;
    while (seen.empty()) {
      ASSERT_TRUE(is_readable(stream)) << "never told of the removal";
      seen = actions_of(stream.next().value());
    }
    EXPECT_THAT(seen, ElementsAre("destroy"));
  }
}

TEST_F(EngineTest, EventsOfTheMachineAreThoseOfAllProjects) {
  EventStream all = engine().events();
  (void)all.next().value();  // left by earlier tests
  const std::string id = create(probe({"true"}));
  ContainerSpec spec = probe({"true"});
  spec.project += "x";
  spec.name += "x";
  spec.labels["com.example.a"] = "b";
  const std::string elsewhere = create(spec);
  for (const std::string& each : {id, elsewhere}) {
    ASSERT_TRUE(engine().start_container(each));
    ASSERT_TRUE(engine().wait_container(each));
  }
  EXPECT_TRUE(is_readable(all));
  const std::vector<EngineEvent> events = all.next().value();
  EXPECT_THAT(actions_of(events), ElementsAre("create", "create", "start", "die", "start", "die"));
  for (const EngineEvent& event : events) {
    if (event.type != "container") continue;
    EXPECT_EQ(event.project, event.id == id ? project_ : project_ + "x");
    const auto label = event.attributes.find("com.example.a");
    EXPECT_EQ(label != event.attributes.end(), event.id == elsewhere) << event.action;
  }
  ASSERT_TRUE(engine().remove_container(elsewhere));
  ASSERT_TRUE(engine().end_project(project_ + "x"));
  EXPECT_THAT(actions_of(all.next().value()), ElementsAre("destroy"));
}

}  // namespace consort::engine

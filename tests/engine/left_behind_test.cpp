#include "engine/left_behind.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace consort::engine {
namespace {

// A command may be killed between creating a container and starting it.
TEST(LeftBehind, WhatWasNeverStartedIsToGoOnlyIfNobodyElseMayStartIt) {
  Container container;
  container.state.status = Status::created;
  container.oneoff = true;
  ContainerSpec spec{.auto_remove = true};
  EXPECT_FALSE(is_to_go(container, spec));
  spec.labels[for_maker_alone] = "True";
  EXPECT_TRUE(is_to_go(container, spec));
  container.state.status = Status::running;
  EXPECT_FALSE(is_to_go(container, spec));
}

class LeftBehindTest : public EngineTest {
 protected:
  // As by a `run --rm` that was killed before it started its container.
  CreatedContainer create_for_command() {
    ContainerSpec spec = probe({"true"});
    spec.oneoff = spec.auto_remove = true;
    spec.labels[for_maker_alone] = "True";
    return engine().create_container(spec).value();
  }
  std::size_t count(LeftBehind left_behind) { return engine().list({.left_behind = left_behind})->size(); }
};

TEST_F(LeftBehindTest, ListsHideThemAndRemoveNothing) {
  CreatedContainer made = create_for_command();
  EXPECT_EQ(count(LeftBehind::hide), 1U);  // somebody holds it
  made.hold.reset();
  EXPECT_EQ(count(LeftBehind::hide), 0U);
  EXPECT_EQ(count(LeftBehind::show), 1U);
  EXPECT_TRUE(engine().inspect(made.id));
  EXPECT_EQ(engine().remove_left_behind().value(), 1U);
  EXPECT_EQ(engine().inspect(made.id).error().code(), Code::not_found);
}

TEST_F(LeftBehindTest, WhoeverTakesTheLockOfTheirProjectRemovesThem) {
  CreatedContainer made = create_for_command();
  { const ProjectLock lock = engine().lock_project(project_).value(); }
  EXPECT_TRUE(engine().inspect(made.id));
  made.hold.reset();
  { const ProjectLock lock = engine().lock_project(project_ + "x").value(); }
  EXPECT_TRUE(engine().inspect(made.id));
  { const ProjectLock lock = engine().lock_project(project_).value(); }
  EXPECT_EQ(engine().inspect(made.id).error().code(), Code::not_found);
}

// Its record needs it until it is removed.
TEST_F(LeftBehindTest, TheirVolumesCanBeRemoved) {
  ContainerSpec spec = probe({"true"});
  spec.oneoff = spec.auto_remove = true;
  spec.labels[for_maker_alone] = "True";
  spec.mounts = {{.type = MountType::volume, .source = project_ + "_v", .target = "/data"}};
  CreatedContainer made = engine().create_container(spec).value();
  EXPECT_EQ(engine().remove_volume(project_ + "_v").error().code(), Code::conflict);
  made.hold.reset();
  EXPECT_TRUE(engine().remove_volume(project_ + "_v"));
}

}  // namespace
}  // namespace consort::engine

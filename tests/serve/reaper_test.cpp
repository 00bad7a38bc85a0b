#include "serve/api/reaper.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "../engine/fixture.hpp"
#include "base/os/trees/directory.hpp"
#include "engine/left_behind.hpp"

namespace consort::serve {
namespace {

using engine::EngineTest;

// Identified by their ids: a joined thread may be visible for another moment.
std::set<std::string> threads() {
  const std::vector<std::string> ids = list_directory("/proc/self/task").value();
  return {ids.begin(), ids.end()};
}

// The time limit is only for a failing test.
bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// The container ended unobserved and was held the whole time, so no other process would remove it at once.
TEST_F(EngineTest, WhatHasEndedUnseenIsRemovedWhenTheServerEnds) {
  engine::ContainerSpec spec = probe({"true"});
  spec.auto_remove = true;
  engine::CreatedContainer made = engine().create_container(spec).value();
  ASSERT_TRUE(engine().start_container(made.id));
  ASSERT_TRUE(eventually([&] { return engine().inspect(made.id)->state.ended(); }));
  const std::string data = roots().data + "-link";  // a dangling link: its thread cannot open an engine, and ends
  std::filesystem::create_symlink("/dev/null/data", data);
  {
    const std::set<std::string> others = threads();
    Reaper reaper({.data = data, .run = roots().run});
    reaper.watch(made.id, std::move(made.hold));
    ASSERT_TRUE(eventually([&] { return std::ranges::includes(others, threads()); }));
    std::filesystem::remove(data);
    std::filesystem::create_symlink(roots().data, data);
    EXPECT_TRUE(engine().inspect(made.id));
  }
  EXPECT_EQ(engine().inspect(made.id).error().code(), Code::not_found);
}

// A container that keeps running is its supervisor's from then on.
TEST_F(EngineTest, WhatRunsIsLeftToItsSupervisor) {
  engine::ContainerSpec spec = probe({"sleep", "600000"});
  spec.auto_remove = true;
  engine::CreatedContainer made = engine().create_container(spec).value();
  ASSERT_TRUE(engine().start_container(made.id));
  {
    Reaper reaper(roots());
    reaper.watch(made.id, std::move(made.hold));
  }
  EXPECT_TRUE(engine().inspect(made.id)->state.running());
  ASSERT_TRUE(engine().remove_container(made.id, {.force = engine::Force::yes}));
}

// It ends during the restart, and would be removed before it is started again.
TEST_F(EngineTest, WhatIsRestartedStaysAlthoughItGoesWhenItEnds) {
  engine::ContainerSpec spec = probe({"sleep", "600000"});
  spec.auto_remove = true;
  Reaper reaper(roots());
  engine::CreatedContainer made = engine().create_container(spec).value();
  ASSERT_TRUE(engine().start_container(made.id));
  reaper.watch(made.id, std::move(made.hold));
  {
    const Reaper::Kept kept(reaper, made.id);
    ASSERT_TRUE(engine().stop_container(made.id, {.timeout = std::chrono::seconds(0)}));
    // Another container that ends now is handled after it.
    spec.name += "-other";
    engine::CreatedContainer other = engine().create_container(spec).value();
    ASSERT_TRUE(engine().start_container(other.id));
    reaper.watch(other.id, std::move(other.hold));
    ASSERT_TRUE(engine().stop_container(other.id, {.timeout = std::chrono::seconds(0)}));
    ASSERT_TRUE(eventually([&] { return !engine().inspect(other.id); }));
    ASSERT_TRUE(engine().start_container(made.id));
  }
  EXPECT_TRUE(engine().inspect(made.id)->state.running());
  const Reaper::Kept again(reaper, made.id);
  ASSERT_TRUE(engine().stop_container(made.id, {.timeout = std::chrono::seconds(0)}));
  EXPECT_TRUE(engine().inspect(made.id));
}

// A container that was not started again is removed, although its end is not reported again.
TEST_F(EngineTest, WhatWasKeptAndHasEndedIsRemovedThen) {
  engine::ContainerSpec spec = probe({"sleep", "600000"});
  spec.auto_remove = true;
  Reaper reaper(roots());
  engine::CreatedContainer made = engine().create_container(spec).value();
  ASSERT_TRUE(engine().start_container(made.id));
  reaper.watch(made.id, std::move(made.hold));
  {
    const Reaper::Kept kept(reaper, made.id);
    ASSERT_TRUE(engine().stop_container(made.id, {.timeout = std::chrono::seconds(0)}));
  }
  EXPECT_TRUE(eventually([&] { return !engine().inspect(made.id); }));
}

// As with Docker, the client that stopped the container does not find it any more.
TEST_F(EngineTest, WhatWasStoppedIsGoneOnceItWasSeenOff) {
  engine::ContainerSpec spec = probe({"sleep", "600000"});
  spec.auto_remove = true;
  Reaper reaper(roots());
  engine::CreatedContainer held = engine().create_container(spec).value();
  ASSERT_TRUE(engine().start_container(held.id));
  reaper.watch(held.id, std::move(held.hold));
  engine::see_off(engine(), held.id);
  EXPECT_TRUE(engine().inspect(held.id)->state.running());
  ASSERT_TRUE(engine().stop_container(held.id, {.timeout = Nanoseconds(0)}));
  engine::see_off(engine(), held.id);
  EXPECT_EQ(engine().inspect(held.id).error().code(), Code::not_found);
}

TEST_F(EngineTest, WhatNobodyHoldsIsRemovedByWhoeverSeesItOff) {
  engine::ContainerSpec spec = probe({"sleep", "600000"});
  spec.auto_remove = true;
  engine::CreatedContainer left = engine().create_container(spec).value();
  left.hold.reset();
  ASSERT_TRUE(engine().start_container(left.id));
  ASSERT_TRUE(engine().stop_container(left.id, {.timeout = Nanoseconds(0)}));
  engine::see_off(engine(), left.id);
  EXPECT_EQ(engine().inspect(left.id).error().code(), Code::not_found);
}

// A container that stays when it ends is not the reaper's.
TEST_F(EngineTest, WhatStaysIsNotSeenOff) {
  const engine::CreatedContainer stays = engine().create_container(probe({"true"})).value();
  engine::see_off(engine(), stays.id);
  EXPECT_TRUE(engine().inspect(stays.id));
  ASSERT_TRUE(engine().remove_container(stays.id));
}

}  // namespace
}  // namespace consort::serve

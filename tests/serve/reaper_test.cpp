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

// By their ids: one that has been joined may be seen for a moment yet.
std::set<std::string> threads() {
  const std::vector<std::string> ids = list_directory("/proc/self/task").value();
  return {ids.begin(), ids.end()};
}

// The bound is for what never comes.
bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// What ended while nobody looked after it, and was held all the time, nobody else would remove at once.
TEST_F(EngineTest, WhatHasEndedUnseenIsRemovedWhenTheServerEnds) {
  engine::ContainerSpec spec = probe({"true"});
  spec.auto_remove = true;
  engine::CreatedContainer made = engine().create_container(spec).value();
  ASSERT_TRUE(engine().start_container(made.id));
  ASSERT_TRUE(eventually([&] { return engine().inspect(made.id)->state.ended(); }));
  const std::string data = roots().data + "-link";  // to nowhere: its thread cannot open an engine, and ends
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

// And what runs on is its supervisor's from then on.
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

// It ends on the way, and would be gone before it is started.
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
    // Another that ends now is seen after it.
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

// What did not come back is removed, although its end is not told again.
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

// Who has stopped it does not find it any more, as with Docker.
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

// What stays when it ends is nobody's to see off.
TEST_F(EngineTest, WhatStaysIsNotSeenOff) {
  const engine::CreatedContainer stays = engine().create_container(probe({"true"})).value();
  engine::see_off(engine(), stays.id);
  EXPECT_TRUE(engine().inspect(stays.id));
  ASSERT_TRUE(engine().remove_container(stays.id));
}

}  // namespace
}  // namespace consort::serve

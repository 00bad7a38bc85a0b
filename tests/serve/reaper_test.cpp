#include "serve/api/reaper.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <thread>

#include "../engine/fixture.hpp"
#include "base/os/folder.hpp"

namespace consort::serve {
namespace {

using engine::EngineTest;

std::size_t count_threads() {
  return list_folder("/proc/self/task").value().size();
}

// Never by more than a moment; a test that hangs is ended by its runner.
void wait_until(const std::function<bool()>& condition) {
  while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

// What ended while nobody looked after it, and was held all the time, nobody else would remove at once.
TEST_F(EngineTest, WhatHasEndedUnseenIsRemovedWhenTheServerEnds) {
  engine::ContainerSpec spec = probe({"true"});
  spec.auto_remove = true;
  engine::CreatedContainer made = engine().create_container(spec).value();
  ASSERT_TRUE(engine().start_container(made.id));
  wait_until([&] { return engine().inspect(made.id)->state.ended(); });
  const std::string data = roots().data + "-link";  // to nowhere: its thread cannot open an engine, and ends
  std::filesystem::create_symlink("/dev/null/data", data);
  {
    const std::size_t threads = count_threads();
    Reaper reaper({.data = data, .run = roots().run});
    reaper.watch(made.id, std::move(made.hold));
    wait_until([&] { return count_threads() == threads; });
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

}  // namespace
}  // namespace consort::serve

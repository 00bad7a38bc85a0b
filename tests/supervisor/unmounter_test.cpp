#include "supervisor/container/unmounter.hpp"

#include <gtest/gtest.h>

namespace consort::supervisor {
namespace {

// What closing waits for is played by a pipe: its reader sees when the last writer has gone.
TEST(Unmounter, ClosesInAnotherProcessAndTellsWhenThatIsDone) {
  EventLoop loop = std::move(EventLoop::create().value());
  Unmounter unmounter(loop);
  Pipe first = std::move(make_pipe().value());
  Pipe second = std::move(make_pipe().value());
  unmounter.close("one", std::move(first.write));
  unmounter.close("one", std::move(second.write));
  unmounter.close("none", Fd());
  EXPECT_TRUE(unmounter.busy_with("one"));
  EXPECT_FALSE(unmounter.busy_with("none"));
  int told = 0;
  unmounter.when_done("one", [&] { ++told; });
  unmounter.when_done("none", [&] { told += 10; });
  EXPECT_EQ(told, 10);
  for (int i = 0; i < 1000 && unmounter.busy_with("one"); ++i) ASSERT_TRUE(loop.run_once(std::chrono::seconds(10)));
  EXPECT_FALSE(unmounter.busy_with("one"));
  EXPECT_EQ(told, 11);
  char byte;
  EXPECT_EQ(read_some(first.read.get(), std::as_writable_bytes(std::span(&byte, 1))).value(), 0u);
  EXPECT_EQ(read_some(second.read.get(), std::as_writable_bytes(std::span(&byte, 1))).value(), 0u);
}

}  // namespace
}  // namespace consort::supervisor

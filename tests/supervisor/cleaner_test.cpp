#include "supervisor/container/cleaner.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace consort::supervisor {
namespace {

// A pipe stands for a slow close: its reader notices when the last writer is gone.
TEST(Cleaner, ClosesInAnotherProcessAndTellsWhenThatIsDone) {
  EventLoop loop = std::move(EventLoop::create().value());
  Cleaner cleaner(loop);
  Pipe first = std::move(make_pipe().value());
  Pipe second = std::move(make_pipe().value());
  cleaner.unmount("one", std::move(first.write));
  cleaner.unmount("one", std::move(second.write));
  cleaner.unmount("none", Fd());
  EXPECT_TRUE(cleaner.busy_with("one"));
  EXPECT_FALSE(cleaner.busy_with("none"));
  int told = 0;
  cleaner.when_done("one", [&] { ++told; });
  cleaner.when_done("none", [&] { told += 10; });
  EXPECT_EQ(told, 10);
  for (int i = 0; i < 1000 && cleaner.busy_with("one"); ++i) ASSERT_TRUE(loop.run_once(std::chrono::seconds(10)));
  EXPECT_FALSE(cleaner.busy_with("one"));
  EXPECT_EQ(told, 11);
  char byte;
  EXPECT_EQ(read_some(first.read.get(), std::as_writable_bytes(std::span(&byte, 1))).value(), 0u);
  EXPECT_EQ(read_some(second.read.get(), std::as_writable_bytes(std::span(&byte, 1))).value(), 0u);
}

TEST(Cleaner, RunsWorkInAnotherProcessWithOneDescriptorOfOurs) {
  EventLoop loop = std::move(EventLoop::create().value());
  Cleaner cleaner(loop);
  Pipe pipe = std::move(make_pipe().value());
  cleaner.run("one", duplicate(pipe.write.get()).value(), [](int kept) {
    const bool alone = ::fcntl(kept + 1, F_GETFD) < 0;
    (void)write_full(kept, alone ? "alone" : "others");
  });
  pipe.write.reset();
  EXPECT_TRUE(cleaner.must_go_on());
  while (cleaner.busy_with("one")) ASSERT_TRUE(loop.run_once(std::chrono::seconds(10)));
  EXPECT_FALSE(cleaner.must_go_on());
  EXPECT_EQ(read_all(pipe.read.get(), 100).value(), "alone");
}

}  // namespace
}  // namespace consort::supervisor

#include "base/os/event_loop.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace consort {
namespace {

using namespace std::chrono_literals;

TEST(EventLoop, AHandlerMayRemoveItselfAndOthersOfTheSameBatch) {
  EventLoop loop = *EventLoop::create();
  Pipe a = *make_pipe(), b = *make_pipe();
  ASSERT_TRUE(write_full(a.write.get(), "x"));
  ASSERT_TRUE(write_full(b.write.get(), "x"));
  int calls = 0;
  EventLoop::Token first = 0, second = 0;
  const auto remove_both = [&](std::uint32_t) {
    ++calls;
    loop.remove(first);
    loop.remove(second);
  };
  first = *loop.add(a.read.get(), EPOLLIN, remove_both);
  second = *loop.add(b.read.get(), EPOLLIN, remove_both);
  ASSERT_TRUE(loop.run_once(1s));
  ASSERT_TRUE(loop.run_once(0s));
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, ASecondRegistrationOfADescriptorIsAnError) {
  EventLoop loop = *EventLoop::create();
  const Pipe pipe = *make_pipe();
  ASSERT_TRUE(loop.add(pipe.read.get(), EPOLLIN, [](std::uint32_t) {}));
  EXPECT_EQ(loop.add(pipe.read.get(), EPOLLIN, [](std::uint32_t) {}).error().sys_errno(), EEXIST);
}

TEST(EventLoop, TimersFireInOrderAndCanBeCancelled) {
  EventLoop loop = *EventLoop::create();
  std::vector<int> fired;
  const auto now = EventLoop::Clock::now();
  loop.at(now + 2ms, [&] { fired.push_back(2); });
  const EventLoop::Token cancelled = loop.at(now + 1ms, [&] { fired.push_back(0); });
  loop.at(now, [&] { fired.push_back(1); });
  loop.at(now + 3ms, [&] { loop.stop(); });
  loop.cancel(cancelled);
  ASSERT_TRUE(loop.run());
  EXPECT_EQ(fired, (std::vector{1, 2}));
}

}  // namespace
}  // namespace consort

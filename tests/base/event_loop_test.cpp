#include "base/os/loop/event_loop.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "base/os/files/file.hpp"

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

TEST(EventLoop, ATimerOfCenturiesDoesNotFireAtOnce) {
  EventLoop loop = *EventLoop::create();
  int fired = 0;
  const auto count = [&] { ++fired; };
  loop.after(std::chrono::nanoseconds::max(), count);
  loop.after(std::chrono::ceil<std::chrono::milliseconds>(std::chrono::nanoseconds::max()), count);
  loop.after(0s, [] {});
  ASSERT_TRUE(loop.run_once(1s));
  ASSERT_TRUE(loop.run_once(0s));
  EXPECT_EQ(fired, 0);
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

TEST(EventLoop, AnUrgentOneGetsItsTurnBetweenTwoOthers) {
  EventLoop loop = *EventLoop::create();
  std::vector<Pipe> pipes;
  for (int i = 0; i < 8; ++i) pipes.push_back(*make_pipe());
  const Pipe urgent = *make_pipe();
  std::vector<std::string> order;
  for (std::size_t i = 0; i < pipes.size(); ++i) {
    ASSERT_TRUE(write_full(pipes[i].write.get(), "x"));
    ASSERT_TRUE(loop.add(pipes[i].read.get(), EPOLLIN, [&](std::uint32_t) {
      if (order.empty()) (void)write_full(urgent.write.get(), "x");
      order.emplace_back("other");
      ::usleep(3000);
    }));
  }
  EventLoop::Token token = 0;
  const auto answer = [&](std::uint32_t) {
    order.emplace_back("urgent");
    loop.remove(token);
  };
  token = *loop.add(urgent.read.get(), EPOLLIN, answer, EventLoop::Turn::urgent);
  ASSERT_TRUE(loop.run_once(1s));
  ASSERT_GE(order.size(), 2u);
  EXPECT_EQ(order[1], "urgent");
}

TEST(EventLoop, AnUrgentOneAloneWakesIt) {
  EventLoop loop = *EventLoop::create();
  const Pipe pipe = *make_pipe();
  int calls = 0;
  ASSERT_TRUE(loop.add(
      pipe.read.get(), EPOLLIN, [&](std::uint32_t) { ++calls; }, EventLoop::Turn::urgent));
  ASSERT_TRUE(write_full(pipe.write.get(), "x"));
  ASSERT_TRUE(loop.run_once(10s));
  EXPECT_EQ(calls, 1);
}

TEST(HandlerWatch, CountsTimeAsleep) {
  Fd schedule = *open_file("/proc/thread-self/schedstat", O_RDONLY);
  HandlerWatch watch(10s, std::move(schedule));
  watch.begin();
  ::usleep(20'000);
  EXPECT_GE(watch.taken(), 15ms);
  watch.end();  // within the limit
}

#ifndef NDEBUG
TEST(HandlerWatchDeathTest, EndsALoopWhoseHandlerSleeps) {
  const auto run = [] {
    ::setenv("CONSORT_LOOP_LIMIT_MS", "20", 1);
    EventLoop loop = *EventLoop::create();
    loop.after(0ms, [&] {
      ::usleep(60'000);
      loop.stop();
    });
    (void)loop.run();
  };
  EXPECT_DEATH(run(), "a handler of the event loop took");
}
#endif

}  // namespace
}  // namespace consort

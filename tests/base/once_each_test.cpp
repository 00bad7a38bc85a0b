#include "base/once_each.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

namespace consort {
namespace {

constexpr int callers = 8;

// The results of several threads that ask for the same key at the same time.
std::vector<Result<int>> all_at_once(OnceEach<int>& once, const std::function<Result<int>()>& work) {
  std::vector<Result<int>> got;
  for (int i = 0; i < callers; ++i) got.emplace_back(0);
  std::latch ready(callers);
  std::vector<std::jthread> threads;
  for (auto& mine : got) {
    threads.emplace_back([&] {
      ready.arrive_and_wait();
      mine = once.once("key", work);
    });
  }
  threads.clear();
  return got;
}

TEST(OnceEach, OneDoesTheWorkForAll) {
  OnceEach<int> once;
  std::atomic<int> done = 0;
  for (const auto& each : all_at_once(once, [&] { return Result<int>(40 + ++done); })) EXPECT_EQ(each.value_or(0), 41);
  EXPECT_EQ(done, 1);
  EXPECT_EQ(once.once("other", [&] { return Result<int>(++done); }).value(), 2);
}

TEST(OnceEach, AFailureIsToldByTheFirst) {
  OnceEach<int> once;
  int told = 0;
  for (const auto& each : all_at_once(once, [] { return Result<int>(fail(Code::io, "work")); })) {
    ASSERT_FALSE(each);
    if (each.error().code() == Code::io)
      ++told;
    else
      EXPECT_EQ(each.error().code(), Code::interrupted);
  }
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace consort

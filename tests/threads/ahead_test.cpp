// A supervisor is started in a thread while the command continues. Only its start and end are replaced by the test.
#include "engine/start/ahead.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <thread>

namespace consort::supervisor {

namespace {
std::atomic<int> started = 0, ended = 0;
std::atomic<bool> hangs = false;
}  // namespace

Result<> ensure_supervisor(const Roots&, const std::string&, int cancel_fd) {
  ++started;
  if (!hangs) return {};
  pollfd wish{cancel_fd, POLLIN, 0};
  (void)::poll(&wish, 1, -1);
  return fail(Code::interrupted, "interrupted");
}
Result<> Client::end() const {
  ++ended;
  return {};
}

}  // namespace consort::supervisor

namespace consort::engine {
namespace {

using supervisor::Client;

class AheadTest : public testing::Test {
 protected:
  void SetUp() override {
    supervisor::started = supervisor::ended = 0;
    supervisor::hangs = false;
  }
  // As the threads that create and start containers do it.
  static void begin_in_threads(Ahead& ahead) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { ahead.begin(Client({}, "p")); });
  }
};

TEST_F(AheadTest, StartsOneForAllWhoExpectAStart) {
  {
    Ahead ahead;
    begin_in_threads(ahead);
    std::vector<std::jthread> starters;
    for (int i = 0; i < 4; ++i) starters.emplace_back([&] { ahead.used(); });
  }
  EXPECT_EQ(supervisor::started, 1);
  EXPECT_EQ(supervisor::ended, 0);
}

TEST_F(AheadTest, EndsWhatNobodyUsed) {
  {
    Ahead ahead;
    begin_in_threads(ahead);
  }
  EXPECT_EQ(supervisor::started, 1);
  EXPECT_EQ(supervisor::ended, 1);
  { const Ahead nobody; }
  EXPECT_EQ(supervisor::ended, 1);
}

TEST_F(AheadTest, DoesNotWaitForOneThatDoesNotBecomeReady) {
  supervisor::hangs = true;
  {
    Ahead ahead;
    begin_in_threads(ahead);
  }
  EXPECT_EQ(supervisor::started, 1);
  EXPECT_EQ(supervisor::ended, 0);
}

}  // namespace
}  // namespace consort::engine

#include "cli/relay/patience.hpp"

#include <gtest/gtest.h>
#include <signal.h>

namespace consort::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class PatienceTest : public testing::Test {
 protected:
  const Patience::Clock::time_point begin_ = Patience::Clock::now();
  Patience patience_;
};

TEST_F(PatienceTest, AReaderIsWaitedForAsLongAsNobodyWantsAnEnd) {
  patience_.moved(begin_);
  EXPECT_TRUE(patience_.stands(begin_ + seconds(1000)));
  EXPECT_EQ(patience_.given_up(begin_ + seconds(1000)), std::nullopt);
}

TEST_F(PatienceTest, OneThatStoodBeforeTheSignalIsGivenUpAtOnce) {
  patience_.moved(begin_);
  patience_.asked(SIGTERM, begin_ + seconds(5));
  EXPECT_EQ(patience_.given_up(begin_ + seconds(5)), SIGTERM);
}

TEST_F(PatienceTest, OneThatMovesGetsEverything) {
  patience_.asked(SIGINT, begin_);
  for (int i = 0; i < 100; ++i) {
    patience_.moved(begin_ + i * milliseconds(90));
    EXPECT_EQ(patience_.given_up(begin_ + (i + 1) * milliseconds(90)), std::nullopt) << i;
  }
}

// While a pipe has space for less than a page, nothing can be written.
TEST_F(PatienceTest, OneThatTakesLessThanIsWrittenAtATimeGetsEverything) {
  patience_.moved(begin_);
  patience_.sees(65536, begin_);
  patience_.asked(SIGINT, begin_);
  for (int i = 1; i < 40; ++i) {
    patience_.sees(65536 - 100 * static_cast<std::uint64_t>(i), begin_ + i * milliseconds(90));
    EXPECT_EQ(patience_.given_up(begin_ + (i + 1) * milliseconds(90)), std::nullopt) << i;
  }
}

TEST_F(PatienceTest, WhatIsThereAndStaysIsNotTaken) {
  patience_.moved(begin_);
  patience_.sees(60000, begin_);
  patience_.asked(SIGINT, begin_);
  patience_.sees(65536, begin_ + milliseconds(50));
  patience_.sees(65536, begin_ + milliseconds(100));
  EXPECT_EQ(patience_.given_up(begin_ + milliseconds(100)), SIGINT);
}

TEST_F(PatienceTest, TheLastScreenAfterATypedInterruptIsWaitedForLonger) {
  patience_.typed_interrupt(begin_);
  patience_.moved(begin_ + milliseconds(100));
  EXPECT_TRUE(patience_.stands(begin_ + milliseconds(1500)));
  EXPECT_EQ(patience_.given_up(begin_ + milliseconds(1500)), std::nullopt);
  EXPECT_EQ(patience_.given_up(begin_ + milliseconds(2100)), SIGINT);
}

TEST_F(PatienceTest, OneThatStopsRightAfterTheSignalIsGivenUp) {
  patience_.asked(SIGINT, begin_);
  patience_.moved(begin_ + milliseconds(300));
  EXPECT_EQ(patience_.given_up(begin_ + milliseconds(350)), std::nullopt);
  EXPECT_EQ(patience_.given_up(begin_ + milliseconds(400)), SIGINT);
}

// Ctrl-C in a shell must not affect output that is read an hour later.
TEST_F(PatienceTest, ASignalThatTheProcessLivedOnWithIsForgotten) {
  patience_.asked(SIGINT, begin_);
  patience_.moved(begin_ + seconds(10));
  EXPECT_EQ(patience_.given_up(begin_ + seconds(100)), std::nullopt);
  patience_.asked(SIGINT, begin_ + seconds(100));
  EXPECT_EQ(patience_.given_up(begin_ + seconds(100)), SIGINT);
}

}  // namespace
}  // namespace consort::cli

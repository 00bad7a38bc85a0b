#include <gmock/gmock.h>

#include "project/watch/batch.hpp"

namespace consort::project {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A clock that the test sets.
class WatchBatch : public ::testing::Test {
 protected:
  void pass(int ms) { now += milliseconds(ms); }
  // The groups of changes, with their times, that a caller gets within this time if it asks whenever one is due.
  std::vector<std::pair<int, std::size_t>> reactions_within(int ms) {
    std::vector<std::pair<int, std::size_t>> seen;
    const auto end = now + milliseconds(ms);
    while (batch.due() && *batch.due() <= end) {
      now = std::max(now, *batch.due());
      if (const auto changes = batch.take(now); !changes.empty()) seen.emplace_back(since_start(), changes.size());
    }
    now = end;
    return seen;
  }
  int since_start() const { return static_cast<int>(std::chrono::duration_cast<milliseconds>(now - start).count()); }

  ChangeBatch batch;
  const ChangeBatch::Time start{std::chrono::hours(1)};
  ChangeBatch::Time now = start;
};

TEST_F(WatchBatch, NothingIsNeverDue) {
  EXPECT_FALSE(batch.due());
  EXPECT_THAT(batch.take(now), IsEmpty());
}

TEST_F(WatchBatch, ASaveIsThereAtOnce) {
  batch.settled("/a", now);
  EXPECT_THAT(batch.take(now), IsEmpty());
  ASSERT_TRUE(batch.due());
  EXPECT_LE(*batch.due() - start, milliseconds(30));
  EXPECT_THAT(batch.take(*batch.due()), ElementsAre("/a"));
  EXPECT_FALSE(batch.due());
}

TEST_F(WatchBatch, AnEditorsSeveralStepsAreOneChange) {
  for (int step = 0; step < 4; ++step, pass(5)) batch.settled("/a", now);
  batch.settled("/b", now);
  EXPECT_THAT(reactions_within(1000), ElementsAre(std::pair(45, std::size_t{2})));
}

TEST_F(WatchBatch, ACheckoutOfTenThousandFilesIsOneReaction) {
  std::vector<std::pair<int, std::size_t>> seen;
  for (int file = 0; file < 10'000; ++file) {
    batch.settled("/f" + std::to_string(file), now);
    // A slow disk: now and then, a pause of a third of a second.
    for (const auto& each : reactions_within(file % 1000 == 999 ? 300 : file % 10 == 0 ? 1 : 0)) seen.push_back(each);
  }
  for (const auto& each : reactions_within(10'000)) seen.push_back(each);
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].second, 10'000U);
}

TEST_F(WatchBatch, WhatNeverEndsIsToldInBetween) {
  std::vector<std::pair<int, std::size_t>> seen;
  for (int i = 0; i < 200; ++i) {
    batch.settled("/always", now);
    for (const auto& each : reactions_within(10)) seen.push_back(each);
  }
  EXPECT_GE(seen.size(), 5U);  // in two seconds
}

TEST_F(WatchBatch, AFileThatIsBeingWrittenWaitsForItsEnd) {
  batch.writing("/big", now);
  pass(400);
  batch.writing("/big", now);
  EXPECT_THAT(reactions_within(400), IsEmpty());
  batch.settled("/big", now);
  EXPECT_THAT(reactions_within(100), ElementsAre(std::pair(825, std::size_t{1})));
  EXPECT_FALSE(batch.due());
}

TEST_F(WatchBatch, ALogThatIsNeverClosedIsToldNowAndThenAndHoldsNobodyUp) {
  std::vector<std::pair<int, std::size_t>> seen;
  for (int i = 0; i < 50; ++i) {
    batch.writing("/log", now);
    if (i == 10) batch.settled("/saved", now);
    for (const auto& each : reactions_within(100)) seen.push_back(each);
  }
  ASSERT_GE(seen.size(), 3U);
  EXPECT_EQ(seen[0], std::pair(1025, std::size_t{1}));  // the file that was saved
  EXPECT_EQ(seen[1], std::pair(2000, std::size_t{1}));
}

}  // namespace
}  // namespace consort::project

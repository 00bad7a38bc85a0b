#include "place/make/ids.hpp"

#include <gmock/gmock.h>

namespace consort::place {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SubordinateIds, AreFoundByNameAndByNumber) {
  const char* const text =
      "other:100000:65536\n"
      "ann:165536:65536\n"
      "1000:300000:10\n";
  EXPECT_THAT(parse_subordinate(text, "ann", 1000), ElementsAre(IdRange{165536, 65536}, IdRange{300000, 10}));
  EXPECT_THAT(parse_subordinate(text, "bob", 1001), IsEmpty());
}

// One invalid range would make newuidmap refuse the whole call.
TEST(SubordinateIds, LeaveOutWhatIsNoRange) {
  const char* const text =
      "ann:1:0\nann:x:5\nann:4294967290:6\nann:-1:5\nann:1:2:3\nann:99999999999:1\n:5:5\nann\n"
      "ann:4294967290:5";
  EXPECT_THAT(parse_subordinate(text, "ann", 1000), ElementsAre(IdRange{4294967290, 5}));
}

TEST(SubordinateIds, FollowTheUserWhoIsRoot) {
  EXPECT_THAT(map_arguments(1000, {{100000, 65536}, {300000, 10}}),
              ElementsAre("0", "1000", "1", "1", "100000", "65536", "65537", "300000", "10"));
  EXPECT_THAT(map_arguments(1000, {}), ElementsAre("0", "1000", "1"));
}

TEST(SubordinateIds, StayWithinWhatTheKernelCounts) {
  const auto words = map_arguments(1000, {{0, 0xfffffffe}, {5, 5}});
  EXPECT_THAT(words, ElementsAre("0", "1000", "1", "1", "0", "4294967294"));
}

}  // namespace
}  // namespace consort::place

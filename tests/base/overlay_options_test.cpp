#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/os/trees/overlay_view.hpp"

namespace consort {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

TEST(OverlayOptions, WhatTheyGiveAMeaningIsEscaped) {
  EXPECT_EQ(overlay_value("/var/lib/consort"), "/var/lib/consort");
  EXPECT_EQ(overlay_value("/a\\b:c,d=e f"), "/a\\\\b\\:c\\,d=e f");
  EXPECT_EQ(overlay_lower_option(std::vector<std::string>{"/a:b", "/c"}), "lowerdir=/a\\:b:/c");
}

TEST(OverlayOptions, TheDirectoriesAreReadAsTheyWereWritten) {
  const std::vector<std::string> directories = {"/a", "/b:c", "/d,lowerdir=e", "/f\\g", "/h\\:\\,", "/i\\"};
  EXPECT_THAT(overlay_lower_directories(overlay_lower_option(directories)), ElementsAreArray(directories));
  EXPECT_THAT(overlay_lower_directories("ro," + overlay_lower_option(directories) + ",x=y"),
              ElementsAreArray(directories));
  EXPECT_THAT(overlay_lower_directories("lowerdir=/a"), ElementsAre("/a"));
  EXPECT_THAT(overlay_lower_directories("ro,upperdir=/a"), IsEmpty());
}

}  // namespace
}  // namespace consort

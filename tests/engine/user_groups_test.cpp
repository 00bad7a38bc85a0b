#include "engine/doctor/user_groups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consort::engine {
namespace {

using runtime::CgroupVersion;
using Standing = Finding::Standing;
using ::testing::HasSubstr;

TEST(UserGroups, AllThatIsHandedDownIsFine) {
  const Finding finding = finding_of({CgroupVersion::v2, {}, true, {"cpuset", "cpu", "io", "memory", "pids"}});
  EXPECT_EQ(finding.standing, Standing::good);
  EXPECT_EQ(finding.cost + finding.command, "");
}

TEST(UserGroups, WhatIsNotHandedDownIsNamedWithWhatBringsIt) {
  const Finding finding = finding_of({CgroupVersion::v2, {}, true, {"memory", "pids"}});
  EXPECT_EQ(finding.standing, Standing::missing);
  EXPECT_THAT(finding.found, HasSubstr("not cpu, cpuset, io"));
  EXPECT_EQ(finding.cost, "limits of cpu, cpuset, io");
  EXPECT_THAT(finding.command, HasSubstr("Delegate=cpu cpuset io memory pids"));
}

TEST(UserGroups, WhoHandsNothingDownIsNamed) {
  EXPECT_THAT(finding_of({CgroupVersion::v1, {}, false, {}}).command, HasSubstr("systemd.unified_cgroup_hierarchy=1"));
  EXPECT_THAT(finding_of({CgroupVersion::hybrid, {}, false, {}}).found, HasSubstr("cgroup v1"));
  EXPECT_THAT(finding_of({CgroupVersion::v2, {}, false, {}}).found, HasSubstr("no systemd"));
  Error refused = Error(Code::not_found, "connect to").on("the bus of this user's session");
  const Finding finding = finding_of({CgroupVersion::v2, std::move(refused), false, {}});
  EXPECT_THAT(finding.found, HasSubstr("the bus of this user's session"));
  EXPECT_THAT(finding.command, HasSubstr("dbus-user-session"));
}

}  // namespace
}  // namespace consort::engine

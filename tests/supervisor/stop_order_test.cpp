#include "supervisor/loop/stop_order.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "project.hpp"

namespace consort::supervisor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(StopOrder, DependentsComeBeforeWhatTheyDependOn) {
  StopOrder order({{"d", "db", {}},
                   {"w1", "web", {"db", "cache"}},
                   {"w2", "web", {"db", "cache"}},
                   {"c", "cache", {}},
                   {"x", "other", {}}});
  EXPECT_THAT(order.next(), ElementsAre("w1", "w2", "x"));
  EXPECT_THAT(order.next(), IsEmpty());
  order.stopped("w1");
  EXPECT_THAT(order.next(), IsEmpty());  // the other one still depends on them
  order.stopped("w2");
  EXPECT_THAT(order.next(), ElementsAre("d", "c"));
  order.stopped("x");
  order.stopped("d");
  EXPECT_FALSE(order.done());
  order.stopped("c");
  EXPECT_TRUE(order.done());
}

// Labels may contain a cycle; every container must end nevertheless.
TEST(StopOrder, ACycleEndsTogether) {
  StopOrder order({{"a", "a", {"b"}}, {"b", "b", {"a"}}, {"c", "c", {"a"}}, {"self", "self", {"self"}}});
  EXPECT_THAT(order.next(), ElementsAre("c", "self"));
  order.stopped("c");
  EXPECT_THAT(order.next(), IsEmpty());
  order.stopped("self");
  EXPECT_THAT(order.next(), ElementsAre("a", "b"));
  EXPECT_THAT(order.next(), IsEmpty());
}

// At shutdown, `db` runs as long as any container may want to write to it.
TEST(StopOrder, ProjectsEndInIt) {
  if (const std::string reason = TestProject::why_not(); !reason.empty()) GTEST_SKIP() << reason;
  TestProject project;
  ContainerUnit db = project.unit({"echo", "up", "--", "trap", "15"});
  db.service = "db";
  ContainerUnit web = project.unit({"echo", "up", "--", "trap", "15", "--", "sleep", "200"});
  web.service = "web";
  web.depends_on = {"db"};
  for (const ContainerUnit* unit : {&db, &web}) {
    ASSERT_TRUE(project.start(*unit));
    ASSERT_TRUE(eventually([&] { return project.log(*unit).size() == 2; }));
  }
  const auto ended = project.client().shutdown();
  ASSERT_TRUE(ended) << ended.error().message();
  const ObservedContainer first = project.state(web), second = project.state(db);
  EXPECT_EQ(first.exit_code, 0);
  EXPECT_EQ(second.exit_code, 0);
  EXPECT_LT(*first.finished_at, *second.finished_at);
  EXPECT_FALSE(second.manually_stopped);
}

}  // namespace
}  // namespace consort::supervisor

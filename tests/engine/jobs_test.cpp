#include "engine/jobs.hpp"

#include "fixture.hpp"

namespace consort::engine {

class JobsTest : public EngineTest {
 protected:
  JobSpec spec(const std::string& hash) {
    JobSpec spec;
    spec.project = project_;
    spec.name = "nightly";
    spec.hash = hash;
    spec.cron = "0 3 1 1 *";
    spec.timezone = "UTC";
    return spec;
  }
};

// `job pause` has read the job, and `up` changes it before `pause` writes it.
TEST_F(JobsTest, AJobThatWasChangedMeanwhileIsPausedAsItIs) {
  Jobs jobs(engine());
  ASSERT_TRUE(jobs.put(spec("old")));
  const auto read_before = jobs.find(project_ + ".nightly");
  ASSERT_TRUE(read_before);
  ASSERT_TRUE(jobs.put(spec("new")));
  ASSERT_TRUE(jobs.set_paused(*read_before, true));
  const auto now = jobs.find(project_ + ".nightly");
  ASSERT_TRUE(now);
  EXPECT_EQ(now->spec.hash, "new");
  EXPECT_TRUE(now->paused);
  EXPECT_TRUE(jobs.remove(*now, KeepRuns::remove));
}

TEST_F(JobsTest, AJobThatWasRemovedMeanwhileStaysRemoved) {
  Jobs jobs(engine());
  ASSERT_TRUE(jobs.put(spec("old")));
  const auto read_before = jobs.find(project_ + ".nightly");
  ASSERT_TRUE(read_before);
  ASSERT_TRUE(jobs.remove(*read_before, KeepRuns::remove));
  const auto paused = jobs.set_paused(*read_before, true);
  ASSERT_FALSE(paused);
  EXPECT_EQ(paused.error().code(), Code::not_found);
  const auto left = jobs.list(project_);
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->empty());
}

}  // namespace consort::engine

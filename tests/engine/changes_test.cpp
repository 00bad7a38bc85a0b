// Lists a container's changes while it keeps making more.
#include <sys/mount.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "base/os/files/file.hpp"
#include "engine/files.hpp"
#include "fixture.hpp"

namespace consort::engine {
namespace {

using testing::Contains;
using testing::Field;
using testing::Not;

class ChangesTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    id_ = create(probe({"true"}));
    upper_ = roots().container(id_) + "/upper";
    ASSERT_TRUE(make_directories(upper_));
  }
  std::string id_, upper_;
};

// While somebody moves the directory away that is being read.
TEST_F(ChangesTest, DirectoriesThatAreMovedAwayMeanwhileAreNoFailure) {
  ASSERT_TRUE(make_directories(upper_ + "/here/moved/deep/deeper"));
  ASSERT_TRUE(make_directories(upper_ + "/there"));
  ASSERT_TRUE(write_file_atomic(upper_ + "/stays", "x"));
  for (int i = 0; i < 50; ++i) {
    const std::string name = "/here/moved/deep/deeper/" + std::to_string(i);
    ASSERT_TRUE(make_directories(upper_ + name));
  }
  std::atomic<bool> done = false;
  std::thread mover([&] {
    const std::string here = upper_ + "/here/moved", there = upper_ + "/there/moved",
                      passing = upper_ + "/here/passing";
    while (!done) {
      ::mkdir(passing.c_str(), 0700);
      ::rename(here.c_str(), there.c_str());
      ::rmdir(passing.c_str());
      ::rename(there.c_str(), here.c_str());
    }
  });
  std::string failure;
  for (int i = 0; i < 100 && failure.empty(); ++i) {
    const auto changes = engine().files().changes(id_);
    if (!changes)
      failure = changes.error().message();
    else
      EXPECT_THAT(*changes, Contains(Field(&PathChange::path, "/stays")));
  }
  done = true;
  mover.join();
  EXPECT_EQ(failure, "");
}

TEST_F(ChangesTest, OfWhatIsMountedOnlyThePlaceIsToldOf) {
  ASSERT_TRUE(make_directories(upper_ + "/mounted"));
  if (::mount("none", (upper_ + "/mounted").c_str(), "tmpfs", 0, nullptr) != 0) GTEST_SKIP() << "mounting takes root";
  EXPECT_TRUE(write_file_atomic(upper_ + "/mounted/inside", "x"));
  const auto changes = engine().files().changes(id_);
  EXPECT_EQ(::umount((upper_ + "/mounted").c_str()), 0);
  ASSERT_TRUE(changes) << changes.error().message();
  EXPECT_THAT(*changes, Contains(Field(&PathChange::path, "/mounted")));
  EXPECT_THAT(*changes, Not(Contains(Field(&PathChange::path, "/mounted/inside"))));
}

}  // namespace
}  // namespace consort::engine

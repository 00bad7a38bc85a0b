// Which parts of the build cache are kept when it has to shrink.
#include <gtest/gtest.h>

#include "base/sqlite/database.hpp"
#include "build/cache.hpp"
#include "support.hpp"

namespace consort::build {
namespace {

using test::World;

TEST(CacheSize, AsMuchStaysAsWasAskedFor) {
  EXPECT_EQ(bytes_to_keep({.reserved = 5}, 100, 50), 5U);
  EXPECT_EQ(bytes_to_keep({.max_used = 30}, 100, 50), 30U);
  EXPECT_EQ(bytes_to_keep({.reserved = 40, .max_used = 30}, 100, 50), 40U);
  EXPECT_EQ(bytes_to_keep({.min_free = 60}, 100, 50), 90U);
  EXPECT_EQ(bytes_to_keep({.min_free = 500}, 100, 50), 0U);
  EXPECT_EQ(bytes_to_keep({.reserved = 20, .min_free = 500}, 100, 50), 20U);
  EXPECT_EQ(bytes_to_keep({.max_used = 30, .min_free = 60}, 100, 50), 30U);
  EXPECT_EQ(bytes_to_keep({.max_used = 95, .min_free = 60}, 100, 50), 90U);
  // There is enough free space, and no other limit was given.
  EXPECT_EQ(bytes_to_keep({.min_free = 50}, 100, 50), std::nullopt);
  EXPECT_EQ(bytes_to_keep({.max_used = 30, .min_free = 50}, 100, 50), 30U);
}

class CacheSizes : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    world_ = World::make(why);
    if (!world_) GTEST_SKIP() << why;
  }
  // One step of 300 kB for each file, and no image that uses it.
  BuildRequest built(const std::vector<std::string>& files) {
    BuildRequest request;
    request.context = world_->new_directory();
    std::string dockerfile = "FROM scratch\n";
    for (const std::string& file : files) {
      dockerfile += "COPY " + file + " /" + file + "\n";
      world_->write(request.context + "/" + file, file + std::string(300'000, 'x'));
    }
    world_->write(request.context + "/Dockerfile", dockerfile);
    EXPECT_TRUE(world_->build(request));
    remove_images();
    return request;
  }
  void remove_images() {
    const auto images = world_->store().list();
    ASSERT_TRUE(images);
    for (const image::Image& image : *images)
      if (!image.is_named()) {
        EXPECT_TRUE(world_->store().remove(image.id, image::Store::Removal::force));
      }
  }
  int cached(const BuildRequest& request) {
    const auto done = world_->build(request);
    EXPECT_TRUE(done);
    return done ? static_cast<int>(done->steps_cached) : 0;
  }
  std::unique_ptr<World> world_;
};

TEST_F(CacheSizes, WhatWasUsedLastStays) {
  const BuildRequest first = built({"a"}), second = built({"b"}), third = built({"c"});
  EXPECT_EQ(cached(first), 1);
  remove_images();
  ASSERT_TRUE(world_->store().database().query("age", [](SQLite::Database& db) {
    db.exec("UPDATE build_steps SET used = used + 60000000000 WHERE title LIKE '%/a'");
  }));
  ASSERT_TRUE(forget_cache(world_->store(), {.max_used = 10'000'000}));
  ASSERT_TRUE(forget_cache(world_->store(), {.reserved = 700'000}));
  EXPECT_EQ(cached(first), 1);
  EXPECT_EQ(cached(third), 1);
  EXPECT_EQ(cached(second), 0);
}

// Without the step it is based on, a step could never be used again.
TEST_F(CacheSizes, AStepOutlivesThoseThatWereMadeOnIt) {
  const BuildRequest request = built({"a", "b", "c"});
  ASSERT_TRUE(forget_cache(world_->store(), {.reserved = 700'000}));
  EXPECT_EQ(cached(request), 2);
}

// Removing their layers would free no space.
TEST_F(CacheSizes, StepsOfImagesStay) {
  const BuildRequest used = built({"a"}), unused = built({"b"});
  EXPECT_EQ(cached(used), 1);  // an image of it exists again
  ASSERT_TRUE(forget_cache(world_->store(), {.reserved = 1}));
  EXPECT_EQ(cached(unused), 0);
  EXPECT_EQ(cached(used), 1);
}

TEST_F(CacheSizes, WhatIsYoungStaysWhateverItsSize) {
  const BuildRequest request = built({"a"});
  ASSERT_TRUE(forget_cache(world_->store(), {.unused_since = system_now() - std::chrono::hours(1), .reserved = 1}));
  EXPECT_EQ(cached(request), 1);
}

}  // namespace
}  // namespace consort::build

#include "engine/left_behind.hpp"

#include <gtest/gtest.h>

namespace consort::engine {
namespace {

// A command may be killed between creating a container and starting it.
TEST(LeftBehind, WhatWasNeverStartedIsToGoOnlyIfNobodyElseMayStartIt) {
  Container container;
  container.state.status = Status::created;
  container.oneoff = true;
  ContainerSpec spec{.auto_remove = true};
  EXPECT_FALSE(is_to_go(container, spec));
  spec.labels[for_maker_alone] = "True";
  EXPECT_TRUE(is_to_go(container, spec));
  container.state.status = Status::running;
  EXPECT_FALSE(is_to_go(container, spec));
}

}  // namespace
}  // namespace consort::engine

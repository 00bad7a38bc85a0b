#include "build/solve/cancel_watch.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <stop_token>

#include "base/os/files/file.hpp"

namespace consort::build {
namespace {

TEST(CancelWatch, AsksForTheEndWhenTheCallerDoes) {
  Pipe pipe = make_pipe().value();
  std::stop_source stop;
  std::promise<void> asked;
  const std::stop_callback callback(stop.get_token(), [&asked] { asked.set_value(); });
  const CancelWatch watch(pipe.read.get(), stop);
  EXPECT_FALSE(stop.stop_requested());
  ASSERT_EQ(::write(pipe.write.get(), "x", 1), 1);
  asked.get_future().wait();
  EXPECT_TRUE(stop.stop_requested());
}

TEST(CancelWatch, EndsWithTheBuildUnasked) {
  const Pipe pipe = make_pipe().value();
  const std::stop_source stop;
  { const CancelWatch watch(pipe.read.get(), stop); }
  { const CancelWatch nobody(-1, stop); }
  EXPECT_FALSE(stop.stop_requested());
}

}  // namespace
}  // namespace consort::build

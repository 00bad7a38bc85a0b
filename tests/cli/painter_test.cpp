// Events come from as many threads as the plan has workers, and another thread draws them. The test is for
// ThreadSanitizer (`scripts/test tsan`).
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "cli/render/progress.hpp"

namespace consort::cli {
namespace {

constexpr int workers = 8;
constexpr int rounds = 20;  // more would be slow: each picture shows all of their steps

void work(project::Progress& progress, int worker) {
  const std::string name = "Container c-" + std::to_string(worker);
  for (int i = 0; i < rounds; ++i) {
    progress.event({.id = name, .status = "Starting"});
    progress.step({.id = worker * rounds + i, .title = "[web 1/2] RUN make", .stage = name, .number = 1, .total = 2});
    progress.event({.id = "layer-" + name, .parent = name, .text = "Downloading", .current = 1, .total = 9});
    if (i % 10 == 0) progress.warn("a warning of " + name);
    if (i % 10 == 1) progress.output("#1 DONE\n");
    progress.event({.id = name, .status = "Started", .outlook = project::Outlook::done});
  }
}

class Painter : public testing::TestWithParam<ProgressMode> {};

TEST_P(Painter, IsToldByManyThreads) {
  std::string drawn, printed;  // written under the painter's lock, read after it has ended
  {
    const auto progress = make_progress({}, {.mode = GetParam(),
                                             .err = [&](std::string_view part) { drawn += part; },
                                             .out = [&](std::string_view part) { printed += part; }});
    for (int life = 0; life < 2; ++life) {
      progress->begin("Running");
      {
        std::vector<std::jthread> threads;
        for (int i = 0; i < workers; ++i) threads.emplace_back([&progress, i] { work(*progress, i); });
      }
      progress->finish();
    }
  }
  EXPECT_EQ(drawn.contains("Started"), GetParam() != ProgressMode::quiet);
}

INSTANTIATE_TEST_SUITE_P(Modes, Painter,
                         testing::Values(ProgressMode::tty, ProgressMode::plain, ProgressMode::json,
                                         ProgressMode::quiet));

}  // namespace
}  // namespace consort::cli

// The stages of a build in their threads. Only the steps are replaced by the test: they read other stages, or fail.
#include "build/solve/stage_run.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <thread>

#include "base/os/files/file.hpp"

namespace consort::build {

// "from 3": reads the files of stage 3; "fail"; "wait": until the build is stopped.
Result<StepResult> do_step(Shared& shared, StageRuns& runs, std::size_t, const Operation& operation,
                           const FilesState& before) {
  if (operation.title == "fail") return fail(Code::invalid, "as asked");
  if (operation.title == "wait") {
    while (!runs.stopping()) std::this_thread::yield();
    return fail(Code::interrupted, "build");
  }
  SourceTree* const tree = TRY(runs.tree_of(std::stoul(operation.title.substr(5))));
  runs.slots().acquire();
  auto entries = tree->walk("", {});
  Result<> hashed = entries ? tree->hash("", *entries) : Result<>();
  runs.slots().release();
  if (!entries) return std::unexpected(std::move(entries).error());
  TRY(std::move(hashed));
  const std::scoped_lock lock(shared.explain_mutex);
  shared.made.emplace_back();
  return StepResult{.files = {.layers = before.layers, .chain = before.chain + "."}, .made = system_now()};
}

Result<Fd> open_merged(const Layers& layers, const std::string& scratch) {
  return open_file(layers.directories.empty() ? scratch : layers.directories.front(), O_RDONLY | O_DIRECTORY);
}

namespace {

// Named, but never read.
template <typename T>
class Unseen {
 public:
  T& get() { return *reinterpret_cast<T*>(room_); }

 private:
  alignas(T) std::byte room_[sizeof(T)];
};

class StageRunsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root for mount namespaces";
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
    for (int i = 0; i < 20; ++i)
      ASSERT_TRUE(write_file_atomic(directory_ + "/file-" + std::to_string(i), std::string(1000, 'x')));
    shared_.scratch = directory_;
  }
  void TearDown() override { (void)remove_tree(directory_); }

  void add_stage(const std::vector<std::string>& steps) {
    Node& node = graph_.nodes.emplace_back();
    node.base = Node::Base::directory;
    node.reachable = true;
    PlannedStage& planned = plans_.emplace_back();
    for (const std::string& step : steps) planned.plan.operations.emplace_back().title = step;
  }
  std::unique_ptr<StageRuns> runs() {
    auto made = std::make_unique<StageRuns>(shared_);
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
      made->set_base(i, {.layers = {.ids = {"a"}, .directories = {directory_}}, .chain = "base"});
    return made;
  }

  std::string directory_ = "/var/tmp/consort-stages-XXXXXX";
  Graph graph_;
  std::vector<PlannedStage> plans_;
  Dockerfile dockerfile_;
  BuildRequest request_;
  Unseen<BuildEnvironment> environment_;
  Unseen<Cache> cache_;
  ProgressLog log_{{}};
  SshAgents agents_;
  Shared shared_{.request = request_,
                 .environment = environment_.get(),
                 .graph = graph_,
                 .plans = plans_,
                 .dockerfile = dockerfile_,
                 .cache = cache_.get(),
                 .log = log_,
                 .agents = agents_};
};

TEST_F(StageRunsTest, ReadEachOtherAndAllFinish) {
  add_stage({});
  for (int i = 1; i < 8; ++i) add_stage({"from 0", "from " + std::to_string(i - 1), "from 0"});
  const auto all = runs();
  ASSERT_TRUE(all->run());
  EXPECT_EQ(shared_.made.size(), 21U);
  for (std::size_t i = 1; i < 8; ++i) EXPECT_EQ(all->finished(i).files.chain, "base...");
}

TEST_F(StageRunsTest, TheFirstErrorStopsThoseThatWorkAndThoseThatWait) {
  add_stage({"wait"});
  for (int i = 0; i < 4; ++i) add_stage({"from 0"});
  add_stage({"fail"});
  const auto all = runs();
  const Result<> outcome = all->run();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Code::invalid);
}

TEST_F(StageRunsTest, AnotherThreadMayStopThem) {
  add_stage({"wait"});
  add_stage({"from 0"});
  const auto all = runs();
  std::jthread user([&] { all->cancel(); });
  const Result<> outcome = all->run();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Code::interrupted);
}

}  // namespace
}  // namespace consort::build

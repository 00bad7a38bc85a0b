// Following containers in a thread, while other threads write, change states and make requests.
#include "project/verbs/following.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <map>
#include <set>
#include <thread>

#include "base/os/files/file.hpp"
#include "cli/relay/relay.hpp"
#include "engine_in_memory.hpp"

namespace consort {
namespace {

using engine::test::Writer;
using project::AbortOn;
using project::Following;
using project::ReactOptions;

// Only called by the follower's thread.
class Seen final : public project::LogSink {
 public:
  void join(const std::string&) override {}
  void line(const std::string& name, const engine::LogLine&) override { ++lines[name]; }
  void status(const std::string& text) override { ends.insert(text); }
  std::map<std::string, int> lines;
  std::set<std::string> ends;
};

class FollowingTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
    engine_ = engine::test::engine_in(directory_);
  }
  void TearDown() override { (void)remove_tree(directory_); }

  std::string start(const std::string& name) {
    EXPECT_TRUE(engine_->create_container({.name = name, .project = "p", .service = name}));
    EXPECT_TRUE(engine_->start_container(name));
    return name;
  }
  // A container that writes this many lines and ends.
  std::jthread live(const std::string& name, int lines) {
    return std::jthread([this, name, lines] {
      Writer writer(directory_, name);
      for (int i = 0; i < lines; ++i) writer.write("line " + std::to_string(i) + "\n");
      EXPECT_TRUE(engine_->stop_container(name));
    });
  }

  std::string directory_ = "/var/tmp/consort-following-XXXXXX";
  std::unique_ptr<engine::Engine> engine_;
  Seen seen_;
};

TEST_F(FollowingTest, SeesEveryLineAndTheEndWhoeverHoldsItMeanwhile) {
  const project::AttachOptions attach{.services = {"a", "b"}, .sink = &seen_};
  const auto following = Following::begin(*engine_, "p", attach).value();
  const SystemTime begun = system_now();
  for (const char* name : {"a", "b"}) following->follower().add(engine_->inspect(start(name)).value(), begun);
  following->follower().complete();
  {
    const std::jthread a = live("a", 200), b = live("b", 200);
    const std::jthread changes([&] {
      for (int i = 0; i < 50; ++i) {
        following->expect(ReactOptions::Busy::yes);
        following->expect(ReactOptions::Busy::no);
      }
    });
    EXPECT_EQ(following->wait(-1, -1), Following::Event::all_ended);
  }
  ASSERT_TRUE(following->finish());
  EXPECT_THAT(seen_.lines, testing::ElementsAre(testing::Pair("a", 200), testing::Pair("b", 200)));
  EXPECT_THAT(seen_.ends, testing::ElementsAre("a exited with code 143", "b exited with code 143"));
}

TEST_F(FollowingTest, TellsWhoseEndIsEnough) {
  const project::AttachOptions attach{.services = {"a", "b"}, .abort = AbortOn::exit, .sink = &seen_};
  const auto following = Following::begin(*engine_, "p", attach).value();
  for (const char* name : {"a", "b"}) following->follower().add(engine_->inspect(start(name)).value());
  following->follower().complete();
  const std::jthread killer([&] { EXPECT_TRUE(engine_->kill_container("b")); });
  EXPECT_EQ(following->wait(-1, -1), Following::Event::abort);
  EXPECT_EQ(following->abort_code(), 137);
}

// Makes standard output a pipe for as long as it lives.
class Output {
 public:
  Output() : before_(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)), pipe_(make_pipe().value()) {
    ::fflush(stdout);
    ::dup2(pipe_.write.get(), STDOUT_FILENO);
    pipe_.write.reset();
    reader_ = std::jthread([this] { text_ = read_all(pipe_.read.get(), 1 << 24).value_or("?"); });
  }
  ~Output() { end(); }
  std::string end() {
    if (before_) ::dup2(before_.get(), STDOUT_FILENO);
    before_.reset();
    if (reader_.joinable()) reader_.join();
    return text_;
  }

 private:
  Fd before_;
  Pipe pipe_;
  std::string text_;
  std::jthread reader_;
};

TEST_F(FollowingTest, ARelayThatIsEndedTakesItsContainerAlongAndShowsAllOfIt) {
  start("job");
  const Pipe signals = make_pipe(O_NONBLOCK).value();
  std::atomic<bool> written = false;
  std::jthread container([&] {
    Writer writer(directory_, "job");
    for (int i = 0; i < 200; ++i) writer.write("line\n");
    written = true;
    written.notify_all();
  });
  std::jthread user([&] {
    written.wait(false);
    const unsigned char number = SIGTERM;
    (void)write_full(signals.write.get(), std::as_bytes(std::span(&number, 1)));
  });
  Output output;
  const auto end = cli::relay_container(*engine_,
                                        {.id = "job",
                                         .project = "p",
                                         .with_input = false,
                                         .output = engine_->hold_output("job").value(),
                                         .life = cli::AttachRelay::Life::of_command},
                                        signals.read.get());
  const std::string text = output.end();
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(end->exit_code, 143);
  EXPECT_EQ(text.size(), 200 * 5U);
}

TEST_F(FollowingTest, ARelayThatPassesNoSignalsOnIsLeftAtTheFirst) {
  start("job");
  Writer writer(directory_, "job");
  const Pipe signals = make_pipe(O_NONBLOCK).value();
  const unsigned char number = SIGINT;
  ASSERT_TRUE(write_full(signals.write.get(), std::as_bytes(std::span(&number, 1))));
  const auto end = cli::relay_container(*engine_, {.id = "job", .project = "p", .with_input = false, .signals = false},
                                        signals.read.get());
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(end->how, cli::RelayEnd::How::left);
  EXPECT_EQ(end->exit_code, 130);
  EXPECT_TRUE(engine_->inspect("job").value().state.running());
}

}  // namespace
}  // namespace consort

#include "cli/relay/flow.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/sockets/unix_socket.hpp"

namespace consort::cli {
namespace {

std::string some_bytes(std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(i * 31 % 251);
  return bytes;
}

class FlowTest : public testing::Test {
 protected:
  FlowTest() {
    ::signal(SIGPIPE, SIG_IGN);
    EXPECT_TRUE(set_nonblocking(source_.read.get()));
  }
  // Runs the flow as a loop around poll() would.
  static Result<> run(Flow& flow) {
    while (!flow.over()) {
      pollfd wait = flow.wanted();
      if (::poll(&wait, 1, 10'000) <= 0) return fail(Code::busy, "nothing happens");
      TRY(flow.step());
    }
    return {};
  }
  void feed(std::string bytes) {
    feeder_ = std::jthread([this, bytes = std::move(bytes)] {
      (void)write_full(source_.write.get(), bytes);
      source_.write.reset();
    });
  }

  Pipe source_ = make_pipe().value();
  std::jthread feeder_;
};

class FlowByTest : public FlowTest, public testing::WithParamInterface<Flow::By> {};

TEST_P(FlowByTest, EveryByteGetsThroughToASlowReader) {
  const std::string bytes = some_bytes(3'000'000);
  feed(bytes);
  Pipe sink = make_pipe().value();
  std::string got;
  std::jthread reader([&] { got = read_all(sink.read.get(), 10'000'000).value(); });
  Flow flow(source_.read.get(), Outlet(sink.write.get(), Outlet::Owner::caller), GetParam());
  ASSERT_TRUE(run(flow));
  EXPECT_EQ(flow.moved(), bytes.size());
  sink.write.reset();
  flow = Flow(-1, Outlet(-1, Outlet::Owner::caller), Flow::By::copy);  // it has the pipe open as well
  reader.join();
  EXPECT_EQ(got, bytes);
  EXPECT_EQ(::fcntl(source_.read.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_P(FlowByTest, AReaderThatLeavesIsToldApart) {
  feed(some_bytes(3'000'000));
  Pipe sink = make_pipe().value();
  Flow flow(source_.read.get(), Outlet(sink.write.get(), Outlet::Owner::caller), GetParam());
  sink.read.reset();
  const auto ended = run(flow);
  ASSERT_FALSE(ended);
  EXPECT_TRUE(nobody_reads(ended.error()));
  EXPECT_FALSE(flow.failed_to_read());
  EXPECT_TRUE(flow.over());
  source_.read.reset();
}

// splice() refuses such files.
TEST_P(FlowByTest, AFileThatIsOpenForAppendingGrows) {
  std::string name = testing::TempDir() + "/flow-XXXXXX";
  const Fd made(::mkostemp(name.data(), O_CLOEXEC));
  ASSERT_TRUE(write_full(made.get(), "before "));
  const Fd appended = open_file(name, O_WRONLY | O_APPEND).value();
  const std::string bytes = some_bytes(300'000);
  feed(bytes);
  Flow flow(source_.read.get(), Outlet(appended.get(), Outlet::Owner::caller), GetParam());
  ASSERT_TRUE(run(flow));
  EXPECT_EQ(read_file(name).value(), "before " + bytes);
  ::unlink(name.c_str());
}

// Signals could not be handled while it waits.
TEST_P(FlowByTest, ASocketThatNobodyReadsIsNotWaitedFor) {
  auto [ours, theirs] = make_socket_pair(SOCK_STREAM).value();
  feed(some_bytes(3'000'000));
  std::atomic<bool> waited = false;
  std::mutex mutex;
  std::condition_variable_any over;
  const std::jthread watchdog([&](const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    over.wait_for(lock, stop, std::chrono::seconds(10), [] { return false; });
    waited = !stop.stop_requested();
    ::shutdown(theirs.get(), SHUT_RDWR);  // ends the wait
  });
  Flow flow(source_.read.get(), Outlet(ours.get(), Outlet::Owner::caller), GetParam());
  while (!flow.held_up() && !flow.over() && !waited) {
    pollfd wait = flow.wanted();
    (void)::poll(&wait, 1, 1000);
    (void)flow.step();
  }
  EXPECT_FALSE(waited);
  EXPECT_TRUE(flow.held_up());
  source_.read.reset();
}

INSTANTIATE_TEST_SUITE_P(By, FlowByTest, testing::Values(Flow::By::splice, Flow::By::copy));

TEST_F(FlowTest, WaitsForTheSideThatIsSlow) {
  Pipe sink = make_pipe().value();
  Flow flow(source_.read.get(), Outlet(sink.write.get(), Outlet::Owner::caller), Flow::By::splice);
  EXPECT_EQ(flow.wanted().fd, source_.read.get());
  feed(some_bytes(1'000'000));
  for (int i = 0; i < 1000 && !flow.held_up(); ++i) {
    pollfd wait = flow.wanted();
    ASSERT_EQ(::poll(&wait, 1, 10'000), 1);
    ASSERT_TRUE(flow.step());
  }
  EXPECT_TRUE(flow.held_up());
  EXPECT_EQ(flow.wanted().events, POLLOUT);
  EXPECT_EQ(::fcntl(sink.write.get(), F_GETFL) & O_NONBLOCK, 0) << "others write to it";
  source_.read.reset();
}

TEST_F(FlowTest, AFilterCanChangeAndEndIt) {
  Pipe sink = make_pipe().value();
  Flow flow(source_.read.get(), Outlet(sink.write.get(), Outlet::Owner::us), Flow::By::copy);
  flow.set_filter([](std::string& bytes) {
    bytes = "<" + bytes + ">";
    return !bytes.contains("end");
  });
  ASSERT_TRUE(write_full(source_.write.get(), "a"));
  ASSERT_TRUE(flow.step());
  ASSERT_TRUE(write_full(source_.write.get(), "the end"));
  ASSERT_TRUE(flow.step());
  EXPECT_TRUE(flow.over());
  sink.write.reset();
  EXPECT_EQ(read_all(sink.read.get(), 100).value(), "<a><the end>");
}

TEST_F(FlowTest, WhatCannotBeReadIsAnErrorOfReading) {
  const Fd directory = open_file("/", O_RDONLY | O_DIRECTORY).value();
  Pipe sink = make_pipe().value();
  Flow flow(directory.get(), Outlet(sink.write.get(), Outlet::Owner::us), Flow::By::copy);
  EXPECT_FALSE(flow.step());
  EXPECT_TRUE(flow.failed_to_read());
}

}  // namespace
}  // namespace consort::cli

// Readers of a log that is written all the time: each byte exactly once, whenever they read.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/os/files/file.hpp"
#include "supervisor/log.hpp"
#include "temporary_directory.hpp"

namespace consort::supervisor {
namespace {

// CONSORT_TEST_LOG_MB makes it longer.
std::size_t bytes_to_write() {
  const char* const text = std::getenv("CONSORT_TEST_LOG_MB");
  return (text ? std::strtoul(text, nullptr, 10) : 8) << 20;
}

char byte_at(std::size_t position) {
  const std::size_t in_line = position % 80;
  return in_line == 79 ? '\n' : static_cast<char>('!' + (position / 80 * 7 + in_line) % 90);
}

class LogFollowTest : public testing::Test {
 protected:
  void SetUp() override { writer_ = LogWriter::open(LogUnit{directory_ / "log", max_size_, 500, false}).value(); }
  // A source that writes pieces of all sizes, and a pump that moves whatever is there.
  void start() {
    ::fcntl(pipe_.write.get(), F_SETPIPE_SZ, 1 << 20);
    source_ = std::jthread([this] {
      std::string piece;
      for (std::size_t at = 0, round = 0; at < total_; ++round) {
        piece.clear();
        const std::size_t size = std::min(total_ - at, 1 + round * 7919 % 150'000);
        for (std::size_t i = 0; i < size; ++i) piece += byte_at(at + i);
        if (!write_full(pipe_.write.get(), piece)) return;
        at += size;
      }
      pipe_.write.reset();
    });
    pump_ = std::jthread([this] {
      while (writer_->pump(pipe_.read.get(), LogStream::out).value() != LogWriter::Pumped::ended) {
      }
      over_ = true;
    });
  }
  // Calls look() until the writer has ended, and once more.
  template <typename Look>
  void watch(Look&& look) {
    start();
    while (!over_) look();
    look();
  }
  void take(std::string_view bytes) {
    for (const char c : bytes)
      if (c != byte_at(seen_++) && !wrong_) wrong_ = seen_ - 1;
  }
  void read_all_bytes(LogReader& reader) {
    while (reader.read_bytes([&](const LogRecord& record) { take(record.bytes); }).value()) {
    }
  }
  void expect_all() const {
    EXPECT_EQ(seen_, total_);
    EXPECT_FALSE(wrong_) << "byte " << *wrong_;
  }

  std::uint64_t max_size_ = 0;
  TemporaryDirectory directory_;
  std::optional<LogWriter> writer_;
  Pipe pipe_ = make_pipe().value();
  const std::size_t total_ = bytes_to_write();
  std::size_t seen_ = 0;
  std::optional<std::size_t> wrong_;
  std::atomic<bool> over_ = false;
  std::jthread source_, pump_;
};

class RotatedLogFollowTest : public LogFollowTest {
 protected:
  RotatedLogFollowTest() { max_size_ = 300'000; }
};

TEST_F(LogFollowTest, BytesAreGivenOutOnceHoweverOftenOneLooks) {
  LogReader reader(directory_ / "log", {});
  watch([&] { read_all_bytes(reader); });
  expect_all();
}

TEST_F(RotatedLogFollowTest, BytesAreGivenOutOnceAcrossRotations) {
  LogReader reader(directory_ / "log", {});
  watch([&] { read_all_bytes(reader); });
  expect_all();
}

// The log keeps less than is written: a reader that holds it gets everything; afterwards no more is kept than usual.
class HeldLogFollowTest : public LogFollowTest, public testing::WithParamInterface<LogUnit> {
 protected:
  void SetUp() override {
    LogUnit unit = GetParam();
    unit.path = directory_ / "log";
    ASSERT_TRUE(reader_.hold());
    writer_ = LogWriter::open(unit).value();
  }
  LogReader reader_{directory_ / "log", {}};
};

TEST_P(HeldLogFollowTest, AHeldLogIsKeptUntilItHasBeenRead) {
  watch([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // behind
    read_all_bytes(reader_);
  });
  expect_all();
  reader_ = LogReader(directory_ / "log", {});
  Pipe late = make_pipe().value();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(write_full(late.write.get(), std::string(2000, 'x')));
    ASSERT_EQ(writer_->pump(late.read.get(), LogStream::out).value(), LogWriter::Pumped::moved);
  }
  std::uint64_t left = 0;
  for (const char* name : {"log", "log.1", "log.2", "log.3"})
    if (path_exists(directory_ / name)) left += static_cast<std::uint64_t>(stat_path(directory_ / name)->st_size);
  EXPECT_LE(left, GetParam().disabled ? 0u : 2 * (GetParam().max_size + 2000));
}

INSTANTIATE_TEST_SUITE_P(Logs, HeldLogFollowTest,
                         testing::Values(LogUnit{"", 1000, 1, false}, LogUnit{"", 1000, 2, false},
                                         LogUnit{"", 0, 1, true}));

TEST_F(LogFollowTest, LinesThatAreFlushedBeforeTheyEndLoseNothing) {
  LogReader reader(directory_ / "log", {});
  LogReader::LineHandler handler = [&](const LogLine& line) {
    take(line.text);
    if (line.complete) take("\n");
  };
  watch([&] {
    ASSERT_TRUE(reader.read(handler));
    reader.flush(handler);
  });
  expect_all();
}

TEST_F(LogFollowTest, AReaderThatBeginsAtTheEndGetsAllThatFollows) {
  LogReader reader(directory_ / "log", {});
  Pipe early = make_pipe().value();
  ASSERT_TRUE(write_full(early.write.get(), "before"));
  ASSERT_EQ(writer_->pump(early.read.get(), LogStream::out).value(), LogWriter::Pumped::moved);
  ASSERT_TRUE(reader.skip_to_end());
  watch([&] { read_all_bytes(reader); });
  expect_all();
}

// The content can still be read.
TEST_F(LogFollowTest, AReaderThatDoesNotWatchIsNotWoken) {
  LogReader reader(directory_ / "log", {});
  const int woken = reader.watch_fd().value();
  const auto is_woken = [&] {
    pollfd look{woken, POLLIN, 0};
    return ::poll(&look, 1, 0) == 1;
  };
  Pipe pipe = make_pipe().value();
  const auto write = [&] {
    ASSERT_TRUE(write_full(pipe.write.get(), "some"));
    ASSERT_EQ(writer_->pump(pipe.read.get(), LogStream::out).value(), LogWriter::Pumped::moved);
  };
  write();
  EXPECT_TRUE(is_woken());
  reader.unwatch();
  reader.acknowledge();
  write();
  EXPECT_FALSE(is_woken());
  std::string seen;
  while (reader.read_bytes([&](const LogRecord& record) { seen += record.bytes; }).value()) continue;
  EXPECT_EQ(seen, "somesome");
}

}  // namespace
}  // namespace consort::supervisor

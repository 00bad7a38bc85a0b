#include "supervisor/log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/os/loop/event_loop.hpp"
#include "supervisor/log/log_file.hpp"
#include "supervisor/log/log_format.hpp"
#include "supervisor/log/log_pump.hpp"
#include "temporary_directory.hpp"

namespace consort::supervisor {
namespace {

using testing::ElementsAre;

struct Line {
  LogStream stream;
  std::string text;
  bool complete;
  bool operator==(const Line&) const = default;
};

class LogTest : public testing::Test {
 protected:
  LogUnit unit(std::uint64_t max_size = 0, unsigned max_file = 1) {
    return LogUnit{directory / "log", max_size, max_file, false};
  }
  static void put(LogWriter& writer, LogStream stream, const std::string& text) {
    Pipe pipe = make_pipe().value();
    ::fcntl(pipe.write.get(), F_SETPIPE_SZ, 1 << 20);
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::string_view part = rest.substr(0, 500'000);
      ASSERT_TRUE(write_full(pipe.write.get(), part));
      rest.remove_prefix(part.size());
      while (writer.pump(pipe.read.get(), stream).value() == LogWriter::Pumped::moved) {
      }
    }
  }
  std::vector<std::string> texts(LogReadOptions options = {}) {
    std::vector<std::string> found;
    LogReader reader(directory / "log", options);
    LogReader::LineHandler handler = [&](const LogLine& line) { found.emplace_back(line.text); };
    EXPECT_TRUE(reader.read(handler));
    reader.flush(handler);
    return found;
  }
  TemporaryDirectory directory;
};

TEST_F(LogTest, KeepsStreamsAndBytes) {
  LogWriter writer = LogWriter::open(unit()).value();
  put(writer, LogStream::out, "one\n");
  put(writer, LogStream::err, std::string("nul\0byte\n", 9));
  put(writer, LogStream::out, "no end");
  std::vector<Line> lines;
  LogReader reader(directory / "log", {});
  LogReader::LineHandler handler = [&](const LogLine& line) {
    lines.push_back(Line{line.stream, std::string(line.text), line.complete});
  };
  ASSERT_TRUE(reader.read(handler));
  EXPECT_EQ(lines.size(), 2u);
  reader.flush(handler);
  EXPECT_THAT(lines,
              ElementsAre(Line{LogStream::out, "one", true}, Line{LogStream::err, std::string("nul\0byte", 8), true},
                          Line{LogStream::out, "no end", false}));
}

TEST_F(LogTest, PutsLinesTogetherPerStream) {
  LogWriter writer = LogWriter::open(unit()).value();
  put(writer, LogStream::out, "a");
  put(writer, LogStream::err, "error\n");
  put(writer, LogStream::out, "b\nc");
  put(writer, LogStream::out, "d\n");
  EXPECT_THAT(texts(), ElementsAre("error", "ab", "cd"));
}

TEST_F(LogTest, SaysWhenThePipeIsEmptyAndWhenItHasEnded) {
  LogWriter writer = LogWriter::open(unit()).value();
  Pipe pipe = make_pipe().value();
  EXPECT_EQ(writer.pump(pipe.read.get(), LogStream::out).value(), LogWriter::Pumped::empty);
  ASSERT_TRUE(write_full(pipe.write.get(), "x"));
  pipe.write.reset();
  EXPECT_EQ(writer.pump(pipe.read.get(), LogStream::out).value(), LogWriter::Pumped::moved);
  EXPECT_EQ(writer.pump(pipe.read.get(), LogStream::out).value(), LogWriter::Pumped::ended);
}

TEST_F(LogTest, ReadsAcrossBlocks) {
  LogWriter writer = LogWriter::open(unit()).value();
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "line " + std::to_string(i) + "\n";
  put(writer, LogStream::out, text);
  const std::vector<std::string> lines = texts();
  ASSERT_EQ(lines.size(), 100'000u);
  for (int i = 0; i < 100'000; i += 997) EXPECT_EQ(lines[static_cast<std::size_t>(i)], "line " + std::to_string(i));
  EXPECT_GT(stat_path(directory / "log")->st_size, static_cast<off_t>(4 * log_block_bytes));
}

TEST_F(LogTest, TailGivesExactlyTheLastLines) {
  LogWriter writer = LogWriter::open(unit()).value();
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "line " + std::to_string(i) + "\n";
  put(writer, LogStream::out, text);
  for (const std::size_t n :
       {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{40'000}, std::size_t{200'000}}) {
    const std::vector<std::string> lines = texts({.tail = n});
    const std::size_t expected = std::min<std::size_t>(n, 100'000);
    ASSERT_EQ(lines.size(), expected);
    if (expected > 0) {
      EXPECT_EQ(lines.front(), "line " + std::to_string(100'000 - expected));
      EXPECT_EQ(lines.back(), "line 99999");
    }
  }
}

// A line of one stream that began several blocks earlier and ends last must be complete in a tail.
TEST_F(LogTest, TailGoesBackForTheBeginningOfALongWait) {
  LogWriter writer = LogWriter::open(unit()).value();
  put(writer, LogStream::out, "begun early, ");
  std::string noise;
  for (int i = 0; i < 60'000; ++i) noise += "noise " + std::to_string(i) + "\n";
  put(writer, LogStream::err, noise);
  put(writer, LogStream::out, "ended late\n");
  EXPECT_THAT(texts({.tail = 2}), ElementsAre("noise 59999", "begun early, ended late"));
}

TEST_F(LogTest, SinceAndUntilBoundTheTimes) {
  LogWriter writer = LogWriter::open(unit()).value();
  put(writer, LogStream::out, std::string(300'000, 'x') + "\nfirst\n");
  const SystemTime middle = system_now();
  put(writer, LogStream::out, "second\n");
  EXPECT_THAT(texts({.since = middle}), ElementsAre("second"));
  const auto before = texts({.until = middle});
  ASSERT_EQ(before.size(), 2u);
  EXPECT_EQ(before[1], "first");
  EXPECT_THAT(texts({.since = middle, .until = middle}), ElementsAre());
}

// Sets the time of all records from the one with this text on an hour later.
void make_later(const std::string& log, std::string_view first) {
  std::string bytes = read_file(log).value();
  const std::size_t begin = bytes.find(first) - log_header_bytes;
  for (std::size_t at = begin; at < bytes.size();) {
    LogHeader header;
    std::memcpy(&header, bytes.data() + at, sizeof header);
    header.time_ns += Nanoseconds(std::chrono::hours(1)).count();
    std::memcpy(bytes.data() + at, &header, sizeof header);
    at += sizeof header + header.length;
  }
  ASSERT_TRUE(write_file_atomic(log, bytes));
}

TEST_F(LogTest, SinceFindsWhatIsLaterAlthoughTheClockWasSetBack) {
  {
    LogWriter writer = LogWriter::open(unit()).value();
    put(writer, LogStream::out, std::string(300'000, 'x') + "\n");
    put(writer, LogStream::out, "later\n");
  }
  make_later(directory / "log", "later");
  LogWriter writer = LogWriter::open(unit()).value();
  put(writer, LogStream::out, std::string(600'000, 'y') + "\n");
  EXPECT_THAT(texts({.since = system_now() + std::chrono::minutes(30)}), ElementsAre("later"));
}

TEST_F(LogTest, SinceFindsItInOlderFilesAfterAnotherWriterHasCome) {
  const auto write = [&](const char* text) {
    LogWriter writer = LogWriter::open(unit(1, 5)).value();
    put(writer, LogStream::out, text);
  };
  write("later\n");
  make_later(directory / "log", "later");
  write("one\n");
  write("two\n");
  ASSERT_TRUE(path_exists(directory / "log.2"));
  EXPECT_THAT(texts({.since = system_now() + std::chrono::minutes(30)}), ElementsAre("later"));
  EXPECT_THAT(texts({.since = system_now() - std::chrono::minutes(30)}), ElementsAre("later", "one", "two"));
}

TEST_F(LogTest, RotatesAndReadsAllFilesOldestFirst) {
  LogWriter writer = LogWriter::open(unit(100, 3)).value();
  for (int i = 0; i < 12; ++i)
    put(writer, LogStream::out, "line " + std::to_string(i) + " and thirty more bytes here\n");
  const auto lines = texts();
  EXPECT_EQ(lines.back(), "line 11 and thirty more bytes here");
  EXPECT_EQ(lines.size(), 6u);  // 2 a file
  EXPECT_TRUE(path_exists(directory / "log.2"));
  EXPECT_FALSE(path_exists(directory / "log.3"));
}

TEST_F(LogTest, WithOneFileRotationForgetsTheOld) {
  LogWriter writer = LogWriter::open(unit(20, 1)).value();
  put(writer, LogStream::out, "long enough to be beyond the limit\n");
  put(writer, LogStream::out, "new\n");
  EXPECT_THAT(texts(), ElementsAre("new"));
  EXPECT_FALSE(path_exists(directory / "log.1"));
}

// A directory has the file's next name: nothing is lost, and the rotation is done once the directory is gone.
TEST_F(LogTest, ARotationThatFailsStopsNothing) {
  LogWriter writer = LogWriter::open(unit(20, 2)).value();
  ASSERT_TRUE(make_directories(directory / "log.1/full"));
  for (const char* line : {"one of more than twenty bytes\n", "two of more than twenty bytes\n", "three\n"})
    put(writer, LogStream::out, line);
  std::string together;
  ASSERT_TRUE(for_each_record(directory / "log", [&](const LogRecord& record) { together += record.bytes; }));
  EXPECT_EQ(std::ranges::count(together, '\n'), 3);
  EXPECT_TRUE(writer.trouble().any());
  ASSERT_TRUE(remove_tree(directory / "log.1"));
  put(writer, LogStream::out, "four\n");
  EXPECT_FALSE(writer.trouble().any());
  EXPECT_TRUE(path_exists(directory / "log.1"));
  EXPECT_EQ(texts().size(), 4u);
}

// A reader that does not look into the gap may miss the file that it has just read, and continue with an older one.
TEST_F(LogTest, TheGapOfARotationIsAPlaceToLookAt) {
  for (const char* name : {"log", "log.1", "log.3"}) ASSERT_TRUE(write_file_atomic(directory / name, ""));
  EXPECT_THAT(log_file_names(directory / "log"),
              ElementsAre(directory / "log.3", directory / "log.1", directory / "log"));
  EXPECT_THAT(log_file_places(directory / "log"), testing::Contains(directory / "log.2"));
}

TEST_F(LogTest, APumpTellsWhenTroubleBeginsAndEnds) {
  EventLoop loop = EventLoop::create().value();
  const auto pump = LogPump::open(loop, unit(20, 2)).value();
  std::vector<LogTrouble> told;
  pump->on_trouble([&](const LogTrouble& trouble) { told.push_back(trouble); });
  Pipe pipe = make_pipe().value();
  ASSERT_TRUE(pump->add_pipe(std::move(pipe.read), LogStream::out));
  const auto write = [&](std::string_view text) {
    ASSERT_TRUE(write_full(pipe.write.get(), text));
    ASSERT_TRUE(loop.run_once(std::chrono::seconds(10)));
  };
  ASSERT_TRUE(make_directories(directory / "log.1/full"));
  write("one of more than twenty bytes\n");
  EXPECT_TRUE(told.empty());
  for (int i = 0; i < 3; ++i) write("two\n");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(told[0].any());
  ASSERT_TRUE(remove_tree(directory / "log.1"));
  write("three\n");
  ASSERT_EQ(told.size(), 2u);
  EXPECT_FALSE(told[1].any());
}

// A process next to the container's, or one that got its output, may write forever.
TEST_F(LogTest, AtTheEndOnlyWhatIsThereIsTaken) {
  EventLoop loop = EventLoop::create().value();
  for (const bool disabled : {false, true}) {
    LogUnit log = unit(0, 1);
    log.disabled = disabled;
    const auto pump = LogPump::open(loop, log).value();
    Pipe pipe = make_pipe().value();
    ASSERT_TRUE(set_nonblocking(pipe.read.get()));
    ASSERT_TRUE(pump->add_pipe(std::move(pipe.read), LogStream::out));
    int lines = 0;
    const auto write = [&] { ASSERT_TRUE(write_full(pipe.write.get(), "line " + std::to_string(++lines) + "\n")); };
    pump->on_moved([&] {
      if (lines < 100) write();
    });
    write();
    pump->drain();
    EXPECT_EQ(lines, 2) << disabled;
  }
}

// Before Linux 6.15 that leaves an empty buffer in the pipe: it is readable, but nothing comes.
TEST_F(LogTest, AWriteFromABadAddressIsNothing) {
  EventLoop loop = EventLoop::create().value();
  for (const bool disabled : {true, false}) {
    LogUnit log = unit(0, 1);
    log.disabled = disabled;
    LogWriter writer = LogWriter::open(log).value();
    Pipe pipe = make_pipe(O_NONBLOCK).value();
    const auto* nowhere = reinterpret_cast<const void*>(std::uintptr_t{1});
    ASSERT_EQ(::syscall(SYS_write, pipe.write.get(), nowhere, 4096), -1);
    EXPECT_EQ(writer.pump(pipe.read.get(), LogStream::out).value(), LogWriter::Pumped::empty);
    ASSERT_TRUE(write_full(pipe.write.get(), "after it\n"));
    EXPECT_EQ(writer.pump(pipe.read.get(), LogStream::out).value(), LogWriter::Pumped::moved);
    EXPECT_EQ(writer.taken(), 9U);
    EXPECT_EQ(writer.pump(pipe.read.get(), LogStream::out).value(), LogWriter::Pumped::empty);
    pipe.write.reset();
    EXPECT_EQ(writer.pump(pipe.read.get(), LogStream::out).value(), LogWriter::Pumped::ended);
  }
}

TEST_F(LogTest, FollowsAcrossRotations) {
  LogWriter writer = LogWriter::open(unit(60, 4)).value();
  LogReader reader(directory / "log", {});
  std::vector<std::string> found;
  LogReader::LineHandler handler = [&](const LogLine& line) { found.emplace_back(line.text); };
  const int watch = reader.watch_fd().value();
  for (int i = 0; i < 20; ++i) {
    put(writer, LogStream::out, "line " + std::to_string(i) + " of some length\n");
    pollfd wait{watch, POLLIN, 0};
    ASSERT_EQ(::poll(&wait, 1, 10'000), 1);
    reader.acknowledge();
    ASSERT_TRUE(reader.read(handler));
    ASSERT_EQ(found.size(), static_cast<std::size_t>(i) + 1);
  }
}

// A handler that writes stands for a container that writes as fast as its log is read.
TEST_F(LogTest, AReadEndsAlthoughTheWriterIsAsFast) {
  for (const std::uint64_t max_size : {0, 300'000}) {
    ASSERT_TRUE(remove_file(directory / "log"));
    LogWriter writer = LogWriter::open(unit(max_size, 500)).value();
    const std::string line = std::string(100'000, 'x') + "\n";
    for (int i = 0; i < 3; ++i) put(writer, LogStream::out, line);
    LogReader reader(directory / "log", {});
    int found = 0;
    LogReader::LineHandler handler = [&](const LogLine&) {
      if (++found < 100) put(writer, LogStream::out, line);
    };
    ASSERT_TRUE(reader.read(handler));
    EXPECT_GE(found, 3);
    EXPECT_LT(found, 20);
    const int before = found;
    ASSERT_TRUE(reader.read(handler));
    EXPECT_GT(found, before);
    EXPECT_LT(found, 60);
    found = 100;
    for (int i = 1; i < 500; ++i) (void)remove_file(directory / ("log." + std::to_string(i)));
  }
}

TEST_F(LogTest, PartsMakeUpTheWhole) {
  LogWriter writer = LogWriter::open(unit(1 << 20, 500)).value();
  LogReader reader(directory / "log", {});
  std::vector<std::string> found;
  LogReader::LineHandler handler = [&](const LogLine& line) { found.emplace_back(line.text); };
  put(writer, LogStream::out, "first\n");
  EXPECT_FALSE(reader.read_part(handler).value());
  for (int i = 0; i < 4000; ++i) put(writer, LogStream::out, std::to_string(i) + std::string(1000, ' ') + "\n");
  EXPECT_TRUE(reader.read_part(handler).value());
  EXPECT_LT(found.size(), 1500U);
  while (reader.read_part(handler).value()) {
  }
  ASSERT_EQ(found.size(), 4001U);
  for (int i = 0; i < 4000; ++i) ASSERT_EQ(std::stoi(found[static_cast<std::size_t>(i) + 1]), i);
}

TEST_F(LogTest, ADisabledLogSwallows) {
  LogUnit none = unit();
  none.disabled = true;
  LogWriter writer = LogWriter::open(none).value();
  put(writer, LogStream::out, "gone\n");
  EXPECT_FALSE(path_exists(directory / "log"));
}

// The end of a log whose writer was killed between header and content, truncated at every length.
TEST_F(LogTest, RepairsATornEnd) {
  std::string whole;
  {
    LogWriter writer = LogWriter::open(unit()).value();
    put(writer, LogStream::out, "kept\n");
    put(writer, LogStream::out, "torn line\n");
    whole = read_file(directory / "log").value();
  }
  const std::size_t first = log_header_bytes + 5;
  for (std::size_t size = first; size <= whole.size(); ++size) {
    ASSERT_TRUE(write_file_atomic(directory / "log", whole.substr(0, size)));
    LogWriter writer = LogWriter::open(unit()).value();
    put(writer, LogStream::out, "!\n");
    const std::size_t left = size > first + log_header_bytes ? size - first - log_header_bytes : 0;
    const std::string torn = std::string("torn line\n").substr(0, left);
    std::string together;
    ASSERT_TRUE(for_each_record(directory / "log", [&](const LogRecord& record) { together += record.bytes; }));
    EXPECT_EQ(together, "kept\n" + torn + "!\n") << "cut at " << size;
  }
}

TEST_F(LogTest, SkipsABlockThatIsNoLog) {
  {
    LogWriter writer = LogWriter::open(unit()).value();
    put(writer, LogStream::out, "kept\n");
  }
  Fd file = open_file(directory / "log", O_WRONLY | O_APPEND).value();
  ASSERT_TRUE(write_full(file.get(), std::string(1000, '\7')));
  LogWriter writer = LogWriter::open(unit()).value();
  put(writer, LogStream::out, "after\n");
  EXPECT_THAT(texts(), ElementsAre("kept", "after"));
}

// The guarantee of log.hpp: after kill -9 at any time, nothing is lost or doubled.
TEST_F(LogTest, WritersKilledAtRandomLoseNothing) {
  Pipe pipe = make_pipe().value();
  constexpr int lines = 200'000;
  const pid_t source = ::fork();
  if (source == 0) {
    std::string text;
    for (int i = 0; i < lines; ++i) {
      text = "n" + std::to_string(i) + "\n";
      if (!write_full(pipe.write.get(), text)) ::_exit(1);
    }
    ::_exit(0);
  }
  pipe.write.reset();
  int rounds = 0;
  for (bool ended = false; !ended; ++rounds) {
    const pid_t writer_pid = ::fork();
    if (writer_pid == 0) {
      auto writer = LogWriter::open(unit());
      if (!writer) ::_exit(2);
      while (true) {
        pollfd wait{pipe.read.get(), POLLIN, 0};
        ::poll(&wait, 1, -1);
        const auto pumped = writer->pump(pipe.read.get(), LogStream::out);
        if (!pumped) ::_exit(3);
        if (*pumped == LogWriter::Pumped::ended) ::_exit(0);
      }
    }
    ::usleep(static_cast<useconds_t>(500 + rounds * 37 % 3000));
    ::kill(writer_pid, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(writer_pid, &status, 0), writer_pid);
    ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << status;
    ended = WIFEXITED(status);
  }
  int status = 0;
  ::waitpid(source, &status, 0);
  EXPECT_EQ(status, 0);
  const std::vector<std::string> found = texts();
  ASSERT_EQ(found.size(), static_cast<std::size_t>(lines));
  for (int i = 0; i < lines; ++i) ASSERT_EQ(found[static_cast<std::size_t>(i)], "n" + std::to_string(i));
  EXPECT_GT(rounds, 1);
}

TEST_F(LogTest, TellsWhatAFullDiskSwallowed) {
  // RLIMIT_FSIZE causes EFBIG, which counts as a full disk. In a child, because the limit is per process.
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    LogWriter writer = LogWriter::open(unit()).value();
    put(writer, LogStream::out, "before\n");
    rlimit limit{static_cast<rlim_t>(stat_path(directory / "log")->st_size), RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    put(writer, LogStream::out, "swallowed\n");
    EXPECT_EQ(writer.trouble(), (LogTrouble{"no space left on device", 10}));
    limit.rlim_cur = RLIM_INFINITY;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    put(writer, LogStream::out, "after\n");
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_THAT(texts(),
              ElementsAre("before", "consort: 10 bytes of this log are lost: no space left on device", "after"));
}

}  // namespace
}  // namespace consort::supervisor

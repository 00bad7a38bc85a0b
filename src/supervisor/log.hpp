// A container's log: what it wrote, byte for byte, with time and stream.
//
// The file is a sequence of blocks of 256 KiB; a block is a sequence of records {16-byte header, bytes}. No record
// crosses a block's end, so the file can be read from any block on: tails and searches by time need not read it all. A
// rest of a block too short for a header and one byte is skipped.
//
// Crash safety: the writer puts down a header with the length it is about to move, then splices the bytes from the
// pipe. The kernel takes from the pipe exactly what it wrote, so a writer killed at any instant loses and doubles
// nothing; the last record of a file is as long as the file, whatever its header says, and the next writer repairs that
// header.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/os/fd.hpp"
#include "base/time.hpp"
#include "supervisor/unit.hpp"

namespace consort::supervisor {

inline constexpr std::uint64_t log_block_bytes = 256 * 1024;
inline constexpr std::size_t log_header_bytes = 16;

enum class LogStream : std::uint8_t { out = 1, err = 2 };

class LogWriter {
 public:
  // Opens or creates (mode 0640) the file and repairs its end. A disabled log swallows what it is given, unless a
  // reader holds it: then it is kept for that reader.
  static Result<LogWriter> open(const LogUnit& unit);
  LogWriter(LogWriter&&) noexcept = default;
  LogWriter& operator=(LogWriter&&) noexcept = default;

  enum class Pumped : std::uint8_t { moved, empty, ended };
  // Moves what the pipe holds now, at most one block's worth; never blocks. `ended`: every writer has closed. What
  // cannot be written (the disk is full) is dropped and counted, and the loss is told in the log once that is possible
  // again.
  Result<Pumped> pump(int pipe, LogStream stream);

 private:
  explicit LogWriter(LogUnit unit) : unit_(std::move(unit)) {}
  Result<> open_current();
  Result<> rotate();
  std::uint64_t longest_file() const;
  Result<Pumped> keep(int pipe, LogStream stream, std::size_t wanted);
  Result<Pumped> drop(int pipe, std::size_t bytes);
  Result<> tell_loss();
  Result<> begin_record(std::size_t bytes, LogStream stream);

  LogUnit unit_;
  bool only_for_reader_ = false;  // a disabled log that is held
  Fd file_;
  std::uint64_t end_ = 0;  // where the next record's header goes
  std::uint64_t lost_ = 0;
  std::string trouble_;  // why, if it is not room
};

struct LogRecord {
  SystemTime time{};
  LogStream stream = LogStream::out;
  std::string_view bytes;  // valid during the call
};

// A line as users see it. Lines are put together per stream: a line written in two parts is one line with the time of
// its first part.
struct LogLine {
  SystemTime time{};
  LogStream stream = LogStream::out;
  std::string_view text;  // without its newline
  bool complete = true;   // false: the container has not ended this line (the log's end, or longer than 1 MiB)
};

struct LogReadOptions {
  std::optional<std::size_t> tail;  // last N lines; none: all
  std::optional<SystemTime> since;  // of the line's time, inclusive
  std::optional<SystemTime> until;  // exclusive
};

// Reads a log while it is written, across rotations. A log that does not exist (yet) is empty.
class LogReader {
 public:
  using LineHandler = std::move_only_function<void(const LogLine&)>;

  // path: LogUnit::path. Nothing is opened yet.
  LogReader(std::string path, LogReadOptions options);
  ~LogReader();
  LogReader(LogReader&&) noexcept;
  LogReader& operator=(LogReader&&) noexcept;

  // All lines that are there now and were not read before. Call again after wait() to follow.
  Result<> read(LineHandler& handler);
  // Gives out lines that have no newline yet (the container has ended, or nobody follows). What is written on after
  // that begins a line of its own.
  void flush(LineHandler& handler);

  // The bytes themselves, as they come, without waiting for a line to end: for who puts the container's output on a
  // screen or into a pipe. A block at a time; false: there is nothing more just now. A reader gives lines or bytes, not
  // both; tail, since and until are for lines.
  using RecordHandler = std::function<void(const LogRecord&)>;
  Result<bool> read_bytes(const RecordHandler& handler);
  Result<> skip_to_end();  // instead of a first read: what is there now is never given out
  // Before the container of a new log is started: all of it will be there to be read with read_bytes(), although the
  // log keeps less, or nothing. Files that this reader has not come to yet stay until it has, or is gone.
  Result<> hold();

  // inotify descriptor, readable when the log has changed; for an event loop or poll. Made at the first call; call it
  // before read(), so that nothing written in between is missed.
  Result<int> watch_fd();
  void acknowledge();  // empties watch_fd()

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Raw records of one file, oldest first, for tests and tools.
Result<> for_each_record(const std::string& file, const std::function<void(const LogRecord&)>& handler);

}  // namespace consort::supervisor

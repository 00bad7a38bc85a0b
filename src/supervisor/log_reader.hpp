// Reading a container's log: lines or bytes, those that are there and those that come. What is in the file is said in
// supervisor/log.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"

namespace consort::supervisor {

enum class LogStream : std::uint8_t { out = 1, err = 2 };

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

  // The bytes themselves, as they come, without waiting for a line to end: for whoever puts the container's output on a
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
  // Nothing more will come, and watch_fd() stays silent. The kernel takes some milliseconds to forget a watch, for
  // which whoever closes the descriptor, or ends, has to wait: this lets it begin while there is other work to do.
  void unwatch();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace consort::supervisor

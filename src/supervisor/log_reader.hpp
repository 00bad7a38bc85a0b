// Reads a container's log as lines or bytes, both existing and new ones. supervisor/log.hpp describes the file.
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

// A line as shown to users. Lines are assembled per stream: a line written in two parts is one line with the time of
// its first part.
struct LogLine {
  SystemTime time{};
  LogStream stream = LogStream::out;
  std::string_view text;  // without its newline
  bool complete = true;   // false: not ended by the container (end of the log, or longer than 1 MiB)
};

struct LogReadOptions {
  std::optional<std::size_t> tail;  // last N lines; nullopt: all
  std::optional<SystemTime> since;  // time of the line, inclusive
  std::optional<SystemTime> until;  // exclusive
};

// Reads a log while it is written, across rotations. A log that does not exist (yet) is empty.
class LogReader {
 public:
  using LineHandler = std::move_only_function<void(const LogLine&)>;

  // path: LogUnit::path. Opens nothing yet.
  LogReader(std::string path, LogReadOptions options);
  ~LogReader();
  LogReader(LogReader&&) noexcept;
  LogReader& operator=(LogReader&&) noexcept;

  // Reads all lines that are there now and were not read before. Call it again after wait() to follow.
  Result<> read(LineHandler& handler);
  // The same, but at most a part, for those who have more to do: a container may write as fast as this reads. True:
  // there is more already, and watch_fd() may say nothing of it.
  Result<bool> read_part(LineHandler& handler);
  // Returns lines that have no newline yet (the container has ended, or nobody follows). Output after that begins a new
  // line.
  void flush(LineHandler& handler);

  // The bytes as they arrive, without waiting for the end of a line: for showing the container's output on a terminal
  // or passing it to a pipe. One block at a time; false: nothing more at present. A reader returns lines or bytes, not
  // both; tail, since and until apply to lines.
  using RecordHandler = std::function<void(const LogRecord&)>;
  Result<bool> read_bytes(const RecordHandler& handler);
  Result<> skip_to_end();  // instead of a first read: skips everything that is there now
  // Call it before the container of a new log is started: read_bytes() then returns all of it, although the log keeps
  // less, or nothing. Files are kept until this reader has reached them or is gone.
  Result<> hold();

  // inotify descriptor for an event loop or poll, readable when the log has changed. Created by the first call; call it
  // before read(), so that nothing written in between is missed.
  Result<int> watch_fd();
  void acknowledge();  // empties watch_fd()
  // Nothing more will arrive, and watch_fd() stays silent. Removing a watch takes the kernel some milliseconds, for
  // which closing the descriptor, or exiting, has to wait: this lets it begin while there is other work to do.
  void unwatch();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace consort::supervisor

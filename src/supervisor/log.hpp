// A container's log: its output, byte for byte, with time and stream.
//
// The file is a sequence of blocks of 256 KiB; a block is a sequence of records {16-byte header, bytes}. No record
// crosses a block's end, so the file can be read from any block on: tails and searches by time need not read all of it.
// The end of a block that is too short for a header and one byte is skipped. If the clock was set back, records say
// that an earlier one has a later time, so that a search by time does not skip records before them
// (docs/decisions/0165).
//
// Crash safety: the writer writes a header with the length that it is about to move, then splices the bytes from the
// pipe. The kernel removes from the pipe exactly what it wrote, so a writer killed at any moment loses and duplicates
// nothing. The last record of a file extends to the file's end, whatever its header says, and the next writer repairs
// that header.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/os/fd.hpp"
#include "supervisor/log_reader.hpp"
#include "supervisor/state.hpp"
#include "supervisor/unit.hpp"

namespace consort::supervisor {

inline constexpr std::uint64_t log_block_bytes = 256 * 1024;
inline constexpr std::size_t log_header_bytes = 16;

class LogWriter {
 public:
  // Opens or creates (mode 0640) the file and repairs its end. A disabled log discards its input unless a reader holds
  // it: then it is kept for that reader.
  static Result<LogWriter> open(const LogUnit& unit);
  LogWriter(LogWriter&&) noexcept = default;
  LogWriter& operator=(LogWriter&&) noexcept = default;

  enum class Pumped : std::uint8_t { moved, empty, ended };
  // Moves what the pipe contains now, at most one block; never blocks. `ended`: all writers have closed it. What cannot
  // be written (the disk is full) is dropped and counted, and the loss is recorded in the log once that is possible
  // again.
  Result<Pumped> pump(int pipe, LogStream stream);
  // The number of bytes taken out of pipes so far, kept or not.
  std::uint64_t taken() const { return taken_; }
  // Why the log is incomplete or not rotated at present.
  LogTrouble trouble() const;

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
  bool only_for_reader_ = false;  // a disabled log that a reader holds
  Fd file_;
  std::uint64_t end_ = 0;  // position of the next record's header
  std::uint64_t taken_ = 0;
  SystemTime latest_{};  // of all records so far
  std::uint64_t lost_ = 0;
  std::string trouble_;           // the reason, if not lack of space
  std::string rotation_trouble_;  // why the file exceeds its size limit
};

// Raw records of one file, oldest first, for tests and tools.
Result<> for_each_record(const std::string& file, const std::function<void(const LogRecord&)>& handler);

}  // namespace consort::supervisor

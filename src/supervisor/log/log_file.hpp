// One file of a log, for reading: records from any block on.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/log.hpp"
#include "supervisor/log/log_format.hpp"

namespace consort::supervisor {

// Where a reader is: the start of a record or block, and how many bytes of that record it has had.
struct LogPosition {
  std::uint64_t offset = 0;
  std::uint64_t taken = 0;
};

class LogFile {
 public:
  static Result<std::optional<LogFile>> open(const std::string& path);  // nullopt: there is none

  ino_t inode() const { return inode_; }
  // A reader's claim on this file and all newer ones, for as long as this object lives.
  Result<> hold();
  Result<std::uint64_t> size() const;

  using RecordHandler = std::function<void(const LogRecord&)>;
  // From `at` to what is there now; moves `at` along. The last record may still grow: what is there of it is given out,
  // and the rest at a later call, as a record of its own with the same time and stream.
  Result<> read(LogPosition& at, const RecordHandler& handler);
  // The same for the block that `at` lies in. False: nothing is there yet.
  Result<bool> read_block(LogPosition& at, const RecordHandler& handler);
  // The first record's time of the block that begins at `offset`: no record of the log before it has a later one.
  // nullopt if one has, or if there is no such record.
  std::optional<SystemTime> block_time(std::uint64_t offset) const;
  // The latest time of all records until the end of this file, as far as its records tell.
  Result<std::optional<SystemTime>> latest_time() const;

 private:
  LogFile(Fd fd, ino_t inode) : fd_(std::move(fd)), inode_(inode) {}
  std::optional<LogHeader> header_at(std::uint64_t offset) const;

  Fd fd_;
  ino_t inode_ = 0;
};

// Whether a reader holds this file.
bool is_log_held(const std::string& path);

// The files of a log, oldest first: path.N, ..., path.1, path.
std::vector<std::string> log_file_names(const std::string& path);
// Likewise, with the names that a rotation which is under way may give to one of them: for who looks at it from
// outside.
std::vector<std::string> log_file_places(const std::string& path);

}  // namespace consort::supervisor

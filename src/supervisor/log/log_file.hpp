// Reads one file of a log: records from any block on.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/log.hpp"
#include "supervisor/log/log_format.hpp"

namespace consort::supervisor {

// A reader's position: the start of a record or block, and how many bytes of that record have been read.
struct LogPosition {
  std::uint64_t offset = 0;
  std::uint64_t taken = 0;
};

class LogFile {
 public:
  static Result<std::optional<LogFile>> open(const std::string& path);  // nullopt: no such file

  ino_t inode() const { return inode_; }
  // Claims this file and all newer ones for a reader, as long as this object lives.
  Result<> hold();
  Result<std::uint64_t> size() const;

  using RecordHandler = std::function<void(const LogRecord&)>;
  // Reads from `at` to where the file ends when it is called, advancing `at`. The last record may still grow: its
  // available bytes are returned, and the rest in a later call, as a record of its own with the same time and stream.
  Result<> read(LogPosition& at, const RecordHandler& handler);
  // The same for the block at `at` only. False: nothing is there yet.
  Result<bool> read_block(LogPosition& at, const RecordHandler& handler);
  // The time of the first record in the block at `offset`, provided that no earlier record of the log has a later one.
  // nullopt if one has, or if there is no such record.
  std::optional<SystemTime> block_time(std::uint64_t offset) const;
  // The latest time of all records up to the end of this file, as far as its records show.
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
// The same, including the names that a rotation in progress may give to one of them, for readers in other processes.
std::vector<std::string> log_file_places(const std::string& path);

}  // namespace consort::supervisor

// One file of a log, for reading: records from any block on.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/log.hpp"

namespace consort::supervisor {

class LogFile {
 public:
  static Result<std::optional<LogFile>> open(const std::string& path);  // nullopt: there is none

  ino_t inode() const { return inode_; }
  Result<std::uint64_t> size() const;

  enum class Tail : std::uint8_t {
    wait,  // a last record that is not all there is left for later
    take,  // it ends where the file ends
  };
  using RecordHandler = std::function<void(const LogRecord&)>;
  // Records from `offset` (the start of a record or block) to the end; gives the offset where to go on.
  Result<std::uint64_t> read(std::uint64_t offset, Tail tail, const RecordHandler& handler);
  // The same for the block that `offset` lies in; gives `offset` back when nothing could be taken.
  Result<std::uint64_t> read_block(std::uint64_t offset, Tail tail, const RecordHandler& handler);
  // The first record's time of the block that begins at `offset`; nullopt if there is none.
  std::optional<SystemTime> block_time(std::uint64_t offset);

 private:
  LogFile(Fd fd, ino_t inode) : fd_(std::move(fd)), inode_(inode) {}

  Fd fd_;
  ino_t inode_ = 0;
};

// The files of a log, oldest first: path.N, ..., path.1, path.
std::vector<std::string> log_file_names(const std::string& path);

}  // namespace consort::supervisor

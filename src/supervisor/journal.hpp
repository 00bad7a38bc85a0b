// The events of a project's containers, for `events`: run/projects/PROJECT/events.log, one JSON object per line. The
// supervisor records what it does and observes, commands what they do themselves (top, cp, ...). Every line is one
// write(2) at the file's end, so writers need no lock. The file is bounded: a full one is renamed to events.log.1.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"

namespace consort::supervisor {

inline constexpr std::uint64_t journal_bytes_limit = std::uint64_t{256} << 10;  // for each of the two files

struct JournalEntry {
  SystemTime time{};
  std::string action;  // as in Docker: "start", "health_status: healthy", "exec_create: sh -c true"
  std::string id;      // the container's
  std::string name;    // at that time
  std::string network_id{}, network_name{};       // of "connect" and "disconnect"
  std::map<std::string, std::string> attributes;  // of this event only: exitCode, signal, ...
  std::uint64_t exec = 0;                         // the process of `exec` or a health check; 0: none
};

// How far a reader has read. Default: nothing yet.
struct JournalPosition {
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;
  std::uint64_t begun = 0;  // time of the file's first line, ns: a new file may have a removed one's inode
};

std::string journal_path(const std::string& project_run);
std::string entry_to_json(const JournalEntry& entry);  // one line, without its newline
Result<JournalEntry> entry_from_json(std::string_view line);

// Creates the file and its directory if necessary.
Result<> append_to_journal(const std::string& project_run, const JournalEntry& entry);
// Returns new entries in the order of writing and advances the position. Damaged lines are skipped; an incomplete one
// is left for the next call. Empty without a journal.
Result<std::vector<JournalEntry>> read_journal(const std::string& project_run, JournalPosition& position);
// The position after everything that is there now.
Result<JournalPosition> end_of_journal(const std::string& project_run);

}  // namespace consort::supervisor

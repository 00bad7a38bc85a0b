// What has happened to the containers of a project, for `events`: run/projects/PROJECT/events.log, one JSON object a
// line. The supervisor writes down what it does and sees, a command what it does itself (top, cp, ...). Every line is
// one write(2) at the file's end, so writers need no lock. The file is bounded: a full one becomes events.log.1.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"

namespace consort::supervisor {

inline constexpr std::uint64_t journal_bytes_limit = std::uint64_t{256} << 10;  // of one of its two files

struct JournalEntry {
  SystemTime time{};
  std::string action;  // in Docker's words: "start", "health_status: healthy", "exec_create: sh -c true"
  std::string id;      // of the container
  std::string name;    // as it was then
  std::string network_id{}, network_name{};       // it came to a network or left it: "connect", "disconnect"
  std::map<std::string, std::string> attributes;  // of this event alone: exitCode, signal, ...
  std::uint64_t exec = 0;                         // which process of `exec` or of a health check; 0: none
};

// As far as somebody has read. Default: nothing yet.
struct JournalPosition {
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;
  std::uint64_t begun = 0;  // of the file's first line, ns: a file that is gone leaves its inode to the next one
};

std::string journal_path(const std::string& project_run);
std::string entry_to_json(const JournalEntry& entry);  // one line, without its end
Result<JournalEntry> entry_from_json(std::string_view line);

// Makes file and directory if necessary.
Result<> append_to_journal(const std::string& project_run, const JournalEntry& entry);
// What has been added, in the order of writing, and moves the position on. Lines that are damaged are left out, one
// that is not complete yet is left for the next time. No journal: nothing.
Result<std::vector<JournalEntry>> read_journal(const std::string& project_run, JournalPosition& position);
// As if all that is there now had been read.
Result<JournalPosition> end_of_journal(const std::string& project_run);

}  // namespace consort::supervisor

// Parses /proc/PID/stat. Its second field is the name, which the process chooses itself: it may contain spaces,
// parentheses and newlines.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort {

class StatFields {
 public:
  std::string pid, name;
  char state() const { return rest_[0][0]; }  // 'R', 'S', 'Z' (ended but not reaped), ...
  pid_t parent() const;
  // Clock ticks since boot. Together with the pid it identifies a process until reboot.
  std::uint64_t started() const;
  // Field 3 and later, numbered as in proc_pid_stat(5). nullopt: the field is missing or negative.
  std::optional<std::uint64_t> number(std::size_t field) const;
  bool has_ended() const { return state() == 'Z' || state() == 'X'; }

 private:
  friend Result<StatFields> stat_fields(std::string_view text);
  std::vector<std::string> rest_;  // from field 3 on, at least up to the start time
};

Result<StatFields> stat_fields(std::string_view text);
// Code::not_found: there is no such process.
Result<StatFields> stat_fields_of(pid_t pid);
// For the process that this /proc directory (borrowed) belongs to.
Result<StatFields> stat_fields_in(int directory);

}  // namespace consort

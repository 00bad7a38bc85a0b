// What /proc/PID/stat says of a process. Its second field is the name, which the process chooses: with blanks, brackets
// and line ends if it likes.
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
  char state() const { return rest_[0][0]; }  // 'R', 'S', 'Z' (it has ended and was not reaped), ...
  pid_t parent() const;
  // Ticks after boot. With its number it names a process forever.
  std::uint64_t started() const;
  // From 3 on, as proc_pid_stat(5) counts them. nullopt: there is none, or it is negative.
  std::optional<std::uint64_t> number(std::size_t field) const;
  bool has_ended() const { return state() == 'Z' || state() == 'X'; }

 private:
  friend Result<StatFields> stat_fields(std::string_view text);
  std::vector<std::string> rest_;  // from field 3 on; up to `started` at least
};

Result<StatFields> stat_fields(std::string_view text);
// Code::not_found: there is no such process.
Result<StatFields> stat_fields_of(pid_t pid);
// Of the process whose directory in /proc this is.
Result<StatFields> stat_fields_in(int folder);

}  // namespace consort

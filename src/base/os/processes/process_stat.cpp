#include "base/os/processes/process_stat.hpp"

#include <fcntl.h>

#include "base/os/fd.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"

namespace consort {

namespace {

constexpr std::size_t most_bytes = 4096;
constexpr std::size_t first = 3;  // number of the first field after the name
constexpr std::size_t state_field = 3, parent_field = 4, started_field = 22;

}  // namespace

Result<StatFields> stat_fields(std::string_view text) {
  const auto unreadable = [] { return fail(Code::io, "read the state of a process"); };
  // Only letters and numbers follow the name, so the last ")" ends it, whatever the name contains.
  const std::size_t open = text.find(" ("), close = text.rfind(") ");
  if (open == std::string_view::npos || close == std::string_view::npos || close < open + 2) return unreadable();
  StatFields fields;
  fields.pid = text.substr(0, open);
  fields.name = text.substr(open + 2, close - open - 2);
  fields.rest_ = split(trim(text.substr(close + 2)), ' ');
  const bool whole =
      fields.rest_[state_field - first].size() == 1 && fields.number(parent_field) && fields.number(started_field);
  return whole ? Result<StatFields>(std::move(fields)) : unreadable();
}

std::optional<std::uint64_t> StatFields::number(std::size_t field) const {
  if (field < first || field - first >= rest_.size()) return std::nullopt;
  return parse_unsigned(rest_[field - first]);
}

pid_t StatFields::parent() const {
  return static_cast<pid_t>(number(parent_field).value_or(0));
}

std::uint64_t StatFields::started() const {
  return number(started_field).value_or(0);
}

Result<StatFields> stat_fields_of(pid_t pid) {
  return stat_fields(TRY(read_file("/proc/" + std::to_string(pid) + "/stat", most_bytes)));
}

Result<StatFields> stat_fields_in(int directory) {
  const Fd file = TRY(open_at(directory, "stat", O_RDONLY));
  return stat_fields(TRY(read_all(file.get(), most_bytes)));
}

}  // namespace consort

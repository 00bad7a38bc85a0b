#include "base/os/process_folder.hpp"

#include <fcntl.h>

#include <string>
#include <vector>

#include "base/os/process.hpp"
#include "base/strings.hpp"

namespace consort {

Result<std::uint64_t> start_time_in(std::string_view stat) {
  // The second field is the name in parentheses, which may itself hold blanks and parentheses.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 > stat.size())
    return fail(Code::io, "read the state of a process");
  const std::vector<std::string> fields = split(stat.substr(name_end + 2), ' ');
  const auto time = fields.size() < 20 ? std::nullopt : parse_unsigned(fields[19]);
  if (!time) return fail(Code::io, "read the state of a process");
  return *time;
}

Result<Fd> open_process_folder(pid_t pid, std::uint64_t started) {
  Fd folder = TRY(open_file("/proc/" + std::to_string(pid), O_PATH | O_DIRECTORY));
  const Fd file = TRY(open_at(folder.get(), "stat", O_RDONLY));
  if (TRY(start_time_in(TRY(read_all(file.get(), 4096)))) != started)
    return fail(Code::not_found, "open process", std::to_string(pid));
  return folder;
}

Result<Fd> open_pidfd(int folder, pid_t pid) {
  Fd pidfd = TRY(open_pidfd(pid));
  // The folder is there still, so nobody else had the number meanwhile.
  if (!open_at(folder, "stat", O_RDONLY)) return fail(Code::not_found, "open process", std::to_string(pid));
  return pidfd;
}

}  // namespace consort

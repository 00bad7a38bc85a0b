#include "base/os/processes/process_directory.hpp"

#include <fcntl.h>

#include <string>

#include "base/os/processes/process.hpp"
#include "base/os/processes/process_stat.hpp"

namespace consort {

Result<Fd> open_process_directory(pid_t pid, std::uint64_t started) {
  Fd directory = TRY(open_file("/proc/" + std::to_string(pid), O_PATH | O_DIRECTORY));
  if (TRY(stat_fields_in(directory.get())).started() != started)
    return fail(Code::not_found, "open process", std::to_string(pid));
  return directory;
}

Result<Fd> open_pidfd(int directory, pid_t pid) {
  Fd pidfd = TRY(open_pidfd(pid));
  // The directory still works, so nobody else has had the pid in the meantime.
  if (!open_at(directory, "stat", O_RDONLY)) return fail(Code::not_found, "open process", std::to_string(pid));
  return pidfd;
}

}  // namespace consort

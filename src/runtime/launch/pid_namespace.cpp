#include "runtime/pid_namespace.hpp"

#include <fcntl.h>

#include "base/os/files/link.hpp"
#include "base/os/trees/directory.hpp"
#include "base/strings.hpp"

namespace consort::runtime {

std::vector<pid_t> processes_beside(pid_t first) {
  const auto namespace_of = [](const std::string& process) {
    return read_link_at(AT_FDCWD, "/proc/" + process + "/ns/pid").value_or(std::string());
  };
  std::vector<pid_t> found;
  const std::string wanted = namespace_of(std::to_string(first));
  if (wanted.empty()) return found;
  if (wanted == namespace_of("self")) return {first};  // the host's: its members cannot be told apart
  for (const std::string& name : list_directory("/proc").value_or(std::vector<std::string>())) {
    const auto pid = parse_unsigned(name);
    if (pid && namespace_of(name) == wanted) found.push_back(static_cast<pid_t>(*pid));
  }
  return found;
}

}  // namespace consort::runtime

#include "engine/exec_user.hpp"

#include <fcntl.h>

#include "base/os/files/file.hpp"
#include "base/os/processes/process_directory.hpp"
#include "runtime/user.hpp"

namespace consort::engine {

Result<> check_exec_user(const ContainerDetails& container, const std::string& user) {
  if (user.empty()) return {};
  const Fd process = TRY(open_process_directory(container.state.pid, container.state.pid_started));
  const Fd root = TRY(open_at(process.get(), "root", O_PATH | O_DIRECTORY));
  (void)TRY(runtime::resolve_user(root.get(), user));
  return {};
}

}  // namespace consort::engine

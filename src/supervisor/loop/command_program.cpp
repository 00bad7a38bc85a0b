#include "supervisor/loop/command_program.hpp"

#include <unistd.h>

#include <cstdlib>

#include "base/os/files/file.hpp"

namespace consort::supervisor {

Result<std::string> command_program(const std::string& own, const std::string& last) {
  const std::string directory = dir_name(own);
  for (const std::string& path : {directory + "/consort", clean_path(directory + "/../../bin/consort"), last})
    if (path.starts_with('/') && ::access(path.c_str(), X_OK) == 0) return path;
  return fail(Error(Code::not_found, "find the program consort"));
}

std::vector<std::string> root_variables(const Roots& roots) {
  return {"CONSORT_DATA_ROOT=" + roots.data, "CONSORT_RUN_ROOT=" + roots.run};
}
std::vector<std::string> command_environment(const Roots& roots) {
  std::vector<std::string> environment = root_variables(roots);
  const char* const path = std::getenv("PATH");
  environment.push_back(std::string("PATH=") + (path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin"));
  if (const char* const settings = std::getenv("CONSORT_SETTINGS"))  // the settings of the project's other containers
    environment.push_back(std::string("CONSORT_SETTINGS=") + settings);
  return environment;
}

}  // namespace consort::supervisor

// A small version of the `config` command that uses only the library: same flags and output as Docker Compose.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compose/compose.hpp"

namespace consort::compose {

struct ConfigRun {
  std::string out;
  std::string err;
  int status = 0;
};

// `arguments`: [-f FILE].. [-p NAME] [--profile P].. config [--format json] [--services] .. [SERVICE..]
ConfigRun run_config(const std::vector<std::string>& arguments, const std::string& directory,
                     const std::map<std::string, std::string>& environment);

}  // namespace consort::compose

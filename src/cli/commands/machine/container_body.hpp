// Converts the flags of `docker run` to the body of the API request that creates the container.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "cli/args/flags.hpp"

namespace consort::cli {

struct RunTerminal {
  bool attached = true;
  bool input = false;
  bool tty = false;
};
// Code::invalid with docker's message for invalid values. Relative paths of bind mounts are resolved against
// `directory`.
Result<Json> container_body(const ParsedFlags& flags, const std::string& image, const std::vector<std::string>& command,
                            const RunTerminal& terminal, const std::string& directory);

// Converts the flags of `docker update` to the body of the API request.
Result<Json> update_body(const ParsedFlags& flags);

}  // namespace consort::cli

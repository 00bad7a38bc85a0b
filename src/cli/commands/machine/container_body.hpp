// The flags of `docker run` as the body of the request that makes the container.
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
// Code::invalid with docker's words for values that cannot be. Relative paths of binds count from `directory`.
Result<Json> container_body(const ParsedFlags& flags, const std::string& image, const std::vector<std::string>& command,
                            const RunTerminal& terminal, const std::string& directory);

// The flags of `docker update` as the body of its request.
Result<Json> update_body(const ParsedFlags& flags);

}  // namespace consort::cli

// `consort doctor`: what this machine offers to containers and what it lacks. Each facility is tested by using it.
#pragma once

#include <string>
#include <vector>

#include "base/roots.hpp"

namespace consort::engine {

struct Finding {
  enum class Standing : std::uint8_t {
    good,
    missing,  // containers run, but without something
    broken,   // no container can run
  };
  std::string facility;
  Standing standing = Standing::good;
  std::string found;    // what is available, or why it is missing
  std::string cost;     // what does not work without it
  std::string command;  // that fixes it; "" if there is none
};
std::string_view to_string(Finding::Standing standing);

// For the user who runs containers: root, or a user inside the namespaces that consort has entered. The roots must be
// prepared.
std::vector<Finding> examine_engine(const Roots& roots);
// About the machine; can be called by any user.
std::vector<Finding> examine_machine(const Roots& roots);

}  // namespace consort::engine

// What this machine gives to containers and what it does not: each facility is tried by using it.
#pragma once

#include <string>
#include <vector>

#include "base/roots.hpp"

namespace consort::engine {

struct Finding {
  enum class Standing : std::uint8_t {
    good,
    missing,  // containers run, and do without something
    broken,   // no container runs
  };
  std::string facility;
  Standing standing = Standing::good;
  std::string found;    // what there is, or why it is missing
  std::string cost;     // what does not work without it
  std::string command;  // that mends it; "" if none does
};
std::string_view to_string(Finding::Standing standing);

// Of whoever runs containers: root, or a user in the place that was entered. The roots are prepared.
std::vector<Finding> examine_engine(const Roots& roots);
// Of the machine, for everybody.
std::vector<Finding> examine_machine(const Roots& roots);

}  // namespace consort::engine

// Locates the command-line program, which a supervisor starts for due jobs, for clients of the API, and to remove
// containers that nobody else removes.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/roots.hpp"

namespace consort::supervisor {

// Next to our own programs (own: one of them), or in the program directory of the same installation, else `last`.
Result<std::string> command_program(const std::string& own, const std::string& last = {});
// "CONSORT_DATA_ROOT=...", "CONSORT_RUN_ROOT=..."
std::vector<std::string> root_variables(const Roots& roots);
// Those, plus the variables of ours that the program needs.
std::vector<std::string> command_environment(const Roots& roots);

}  // namespace consort::supervisor

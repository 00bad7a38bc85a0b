// The program of the commands, which a supervisor starts for jobs that are due, for whoever asks the API, and to remove
// what nobody else does.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/roots.hpp"

namespace consort::supervisor {

// Next to our own programs (own: one of them), or in the directory of programs of the same installation, else `last`.
Result<std::string> command_program(const std::string& own, const std::string& last = {});
// "CONSORT_DATA_ROOT=...", "CONSORT_RUN_ROOT=..."
std::vector<std::string> root_variables(const Roots& roots);
// Those, and of ours what the program needs for itself.
std::vector<std::string> command_environment(const Roots& roots);

}  // namespace consort::supervisor

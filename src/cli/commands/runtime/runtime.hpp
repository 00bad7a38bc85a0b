// `consort runtime ...`: an OCI runtime with runc's command line.
#pragma once

#include <string>
#include <vector>

#include "cli/invocation.hpp"
#include "runtime/bundle.hpp"

namespace consort::cli {

// words: what follows `runtime`. Prints and logs its own errors as callers of runc expect them.
int run_runtime(Invocation& invocation, std::vector<std::string> words);

// The runtime on the state directory that was asked for; without one, below the run root, which is made private.
Result<runtime::BundleRuntime> bundle_runtime(const Invocation& invocation);
// On standard error and in the file of --log.
void show_warning(const Invocation& invocation, const std::string& warning);
// An absolute path of the value of a flag; "" stays "".
std::string absolute_path(const std::string& path);

// Before the process starts: where we have no terminal to go to the start of a line, lines end as it writes them.
void take_line_ends(int console);
// Our terminal and signals lent to a process that is our child, until it ends; its exit code. console: the master of
// its terminal, or nothing.
Result<int> attend_process(pid_t pid, Fd console);

}  // namespace consort::cli

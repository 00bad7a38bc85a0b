// `consort runtime ...`: an OCI runtime with runc's command line.
#pragma once

#include <string>
#include <vector>

#include "cli/invocation.hpp"
#include "runtime/bundle.hpp"

namespace consort::cli {

// words: the arguments after `runtime`. Prints and logs its own errors in the format that callers of runc expect.
int run_runtime(Invocation& invocation, std::vector<std::string> words);

// The runtime for the requested state directory; by default one below the run root, which is made private.
Result<runtime::BundleRuntime> bundle_runtime(const Invocation& invocation);
// Shows a warning on standard error and adds it to the file of --log.
void show_warning(const Invocation& invocation, const std::string& warning);
// Makes the value of a flag an absolute path; "" stays "".
std::string absolute_path(const std::string& path);

// Turns off newline translation of the console if standard output is not a terminal. Call before the process starts.
void take_line_ends(int console);
// Connects our terminal and signals to a child process until it ends; returns its exit code. console: the master of its
// terminal, or empty.
Result<int> attend_process(pid_t pid, Fd console);

}  // namespace consort::cli

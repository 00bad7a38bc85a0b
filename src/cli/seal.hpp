// Commands that execute build steps start containers as child processes: they must not expose the program's executable
// to them (engine/seal.hpp).
#pragma once

#include <cstdint>

#include "cli/invocation.hpp"

namespace consort::cli {

enum class Warned : std::uint8_t { no, yes };

// Runs the same command again from a sealed file, unless it already does. Must be called before the command has done
// anything other than print warnings. Also returns if this is not possible; the build then runs without it.
void seal_program(const Invocation& invocation, Warned warned = Warned::no);

// Whether this is such a second run whose first run has printed the warnings about its files. Call once, at the start.
bool has_warned_before();

// Copies pipes among a command's files (`-f -`, `--env-file <(decrypt secrets.env)`) to files in memory under the same
// descriptors, so that the command can be run again. Reads the pipes to their end.
void keep_piped_files(const Invocation& invocation);

}  // namespace consort::cli

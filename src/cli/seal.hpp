// Commands that run steps of a build start containers in their own process: they must not offer the program's file to
// them (engine/seal.hpp).
#pragma once

#include <cstdint>

#include "cli/invocation.hpp"

namespace consort::cli {

enum class Warned : std::uint8_t { no, yes };

// Starts the same command again from a sealed file, unless it runs from one. To be called before the command has done
// anything but to warn. Returns where that is not possible, too: then the build goes on without.
void seal_program(const Invocation& invocation, Warned warned = Warned::no);

// Whether this is the same command once more, and the first one has warned of what is in its files. Once, at the start.
bool has_warned_before();

// Pipes among the files of a command (`-f -`, `--env-file <(decrypt secrets.env)`) become files in memory under the
// same descriptors, so that the command can be started again. Reads them to their ends.
void keep_piped_files(const Invocation& invocation);

}  // namespace consort::cli

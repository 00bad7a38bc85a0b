// Output that nobody gets: it cannot be written (the disk is full, say), or nobody takes it.
#pragma once

#include <string_view>

#include "base/error.hpp"

namespace consort::cli {

// Waits for a slow reader; Code::interrupted if the user wants an end and the reader does not move.
Result<> write_until_interrupted(int fd, std::string_view text);

// Standard output cannot be written. Told once, when it is lost, and by the exit status, so that half a file does not
// pass for a whole one. What the command does otherwise goes on.
void note_lost_output(const Error& error);
bool has_lost_output();

}  // namespace consort::cli

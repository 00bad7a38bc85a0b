// Output that is lost: it cannot be written (for example because the disk is full), or nobody reads it.
#pragma once

#include <string_view>

#include "base/error.hpp"

namespace consort::cli {

// Waits for a slow reader; Code::interrupted if the user has interrupted the command and the reader does not read.
Result<> write_until_interrupted(int fd, std::string_view text);

// Records that standard output cannot be written. Reported once and by the exit status, so that partial output is not
// mistaken for complete output. The command otherwise continues.
void note_lost_output(const Error& error);
bool has_lost_output();

}  // namespace consort::cli

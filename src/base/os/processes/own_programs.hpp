// Locates the programs that consort itself starts (consort-keeper, consort-supervisor, consort-init): next to its own
// executable, as in the build directory, or in the libexec directory of its installation. CONSORT_LIBEXEC overrides
// both.
#pragma once

#include <string>

#include "base/error.hpp"

namespace consort {

// The path of an executable file. Code::not_found, with a hint, if it is in none of these directories.
Result<std::string> find_own_program(const std::string& name);

// Sets CONSORT_LIBEXEC to the directory of this executable, unless it is already set, for a program that is about to
// execute itself from a sealed descriptor, after which it could not determine its location. Requires that there is only
// one thread.
void remember_own_directory();

}  // namespace consort

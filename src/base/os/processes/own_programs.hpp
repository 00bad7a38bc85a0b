// Where the programs lie that belong to consort and that it starts (consort-keeper, consort-supervisor, consort-init):
// next to it, as they are built, or in the libexec directory of its installation. CONSORT_LIBEXEC names another
// directory.
#pragma once

#include <string>

#include "base/error.hpp"

namespace consort {

// The path of an executable file. Code::not_found, with a hint, when it is in none of the directories.
Result<std::string> find_own_program(const std::string& name);

// Puts the directory into CONSORT_LIBEXEC, unless that is set, for a program that is about to execute itself from a
// sealed descriptor: it could not tell any more where it lies. Only while there is one thread.
void remember_own_folder();

}  // namespace consort

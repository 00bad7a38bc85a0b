// A wrapper for openat2, as used throughout this program.
#pragma once

#include <linux/openat2.h>

#include <string>

#include "base/os/fd.hpp"

namespace consort {

// resolve: RESOLVE_ flags; O_CLOEXEC is added to flags. what: the operation as named in errors ("open directory").
Result<Fd> open_resolved(int root, const std::string& path, int flags, mode_t mode, std::uint64_t resolve,
                         const char* what = "open");

}  // namespace consort

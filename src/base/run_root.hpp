// The run root alone, for `consort runtime`, which keeps no data.
#pragma once

#include "base/roots.hpp"

namespace consort {

// The part of Roots::prepare() that concerns the run root.
Result<> prepare_run_root(const Roots& roots);

}  // namespace consort

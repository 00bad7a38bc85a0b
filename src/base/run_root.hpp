// The run root alone, for whoever keeps no data: `consort runtime`.
#pragma once

#include "base/roots.hpp"

namespace consort {

// The part of Roots::prepare() that is about the run root.
Result<> prepare_run_root(const Roots& roots);

}  // namespace consort

// up --timings: a bar for each service, and what it waited for.
#pragma once

#include <string>

#include "project/exec/timings.hpp"

namespace consort::cli {

// columns: of the terminal. Ends with a newline; "" if nothing was done.
std::string timing_bars(const project::Timings& timings, project::Moment end, std::size_t columns);

}  // namespace consort::cli

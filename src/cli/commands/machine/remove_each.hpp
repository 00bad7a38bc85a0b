// rm of several things: what cannot be removed does not keep the others from going.
#pragma once

#include <functional>
#include <string>

#include "cli/invocation.hpp"

namespace consort::cli {

// Calls `remove` for each argument; returns the exit status. Prints the names of removed objects and the errors of
// others; nothing for those where `remove` returns false because there was nothing to remove.
int remove_each(const Invocation& invocation, const std::function<Result<bool>(const std::string& name)>& remove);

}  // namespace consort::cli

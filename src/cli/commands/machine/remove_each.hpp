// rm of several things: what cannot be removed does not keep the others from going.
#pragma once

#include <functional>
#include <string>

#include "cli/invocation.hpp"

namespace consort::cli {

// Each of the arguments; the exit status. Prints the names of those that `remove` has removed, and the errors of
// others; nothing of one that it did not have to remove (false).
int remove_each(const Invocation& invocation, const std::function<Result<bool>(const std::string& name)>& remove);

}  // namespace consort::cli

// rm and prune of several objects: failing to remove one does not affect the others.
#pragma once

#include <functional>
#include <string>

#include "cli/invocation.hpp"

namespace consort::cli {

// Calls `remove` for each argument; returns the exit status. Prints the names of removed objects and the errors of
// others; nothing for those where `remove` returns false because there was nothing to remove.
int remove_each(const Invocation& invocation, const std::function<Result<bool>(const std::string& name)>& remove);

// The result of removing an object that was unused a moment ago: false if it is in use by now, or already gone.
Result<bool> unused_removed(Result<> removed);

}  // namespace consort::cli

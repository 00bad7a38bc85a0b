// After an upgrade: supervisors that still run the program that was there before.
#pragma once

#include <string>
#include <vector>

#include "base/roots.hpp"

namespace consort::supervisor {

// Projects whose supervisor is another program than the one that would be started now.
std::vector<std::string> outdated_projects(const Roots& roots);

// If the project's is: the keeper starts the new one, which takes over as it would after a kill. Returns when the old
// one has ended, or soon if something is under way in it; then the next call tries again.
void renew_supervisor(const Roots& roots, const std::string& project);

}  // namespace consort::supervisor

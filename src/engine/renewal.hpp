// What an upgrade leaves to be replaced; Engine::lock_project() does so.
#pragma once

#include <string>
#include <vector>

#include "base/roots.hpp"

namespace consort::engine {

// Projects whose supervisor is still the program that was installed before. No engine of these roots need be open.
std::vector<std::string> outdated_projects(const Roots& roots);

}  // namespace consort::engine

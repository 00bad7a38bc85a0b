// Derives parts of a desired service independently of each other.
#pragma once

#include <vector>

#include "project/desired/desired.hpp"

namespace consort::project {

// desired.cpp
std::vector<DesiredNetwork> networks_of(const compose::Project& project, const compose::Service& service);
// mounts.cpp
std::vector<DesiredMount> mounts_of(const compose::Project& project, const compose::Service& service);
// Secrets come before configs.
Result<std::vector<DesiredFile>> files_of(const compose::Project& project, const compose::Service& service);

}  // namespace consort::project

// Packages of objects that are written again and again into the same folder.
#pragma once

#include <string>
#include <vector>

#include "kube/packages.hpp"

namespace consort::cli {

// Removes what an earlier export has left in the package's folders of services that are gone. Others' files stay.
Result<> remove_former_files(const std::string& folder, const std::vector<kube::PackagedFile>& package);

}  // namespace consort::cli

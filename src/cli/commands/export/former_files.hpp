// Exports are written again and again into the same directory.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "cli/commands/export/export.hpp"

namespace consort::cli {

// The directories that files are in, below the one of the export.
std::set<std::string> directories_of(const std::vector<ExportedFile>& files);

// Removes from these directories, where they are there, what is not among the files and was left by an earlier export:
// is_ours gets the path of each file. Others' files stay.
Result<> remove_former_files(const std::string& folder, const std::vector<ExportedFile>& files,
                             const std::set<std::string>& directories,
                             const std::function<bool(const std::string& path)>& is_ours);

}  // namespace consort::cli

// Cleans up when an export is written into the same directory again.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "cli/commands/export/export.hpp"

namespace consort::cli {

// The directories that contain the files, below the export's directory.
std::set<std::string> directories_of(const std::vector<ExportedFile>& files);

// Removes files from these directories, if they exist, that are not among `files` and were left by an earlier export:
// is_ours is called with the path of each file. Other files are kept.
Result<> remove_former_files(const std::string& directory, const std::vector<ExportedFile>& files,
                             const std::set<std::string>& directories,
                             const std::function<bool(const std::string& path)>& is_ours);

}  // namespace consort::cli

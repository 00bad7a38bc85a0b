#include "cli/commands/export/former_files.hpp"

#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"

namespace consort::cli {

std::set<std::string> directories_of(const std::vector<ExportedFile>& files) {
  std::set<std::string> directories;
  for (const ExportedFile& file : files) directories.insert(dir_name(file.path));
  return directories;
}

Result<> remove_former_files(const std::string& directory, const std::vector<ExportedFile>& files,
                             const std::set<std::string>& directories,
                             const std::function<bool(const std::string& path)>& is_ours) {
  std::set<std::string> written;
  for (const ExportedFile& file : files) written.insert(join_path(directory, file.path));
  for (const std::string& below : directories) {
    const std::string whole = join_path(directory, below);
    if (!path_exists(whole)) continue;
    const std::vector<std::string> names = TRY(list_directory(whole));
    for (const std::string& name : names) {
      const std::string path = join_path(whole, name);
      if (!written.contains(path) && is_ours(path)) TRY(remove_file(path));
    }
  }
  return {};
}

}  // namespace consort::cli

#include "cli/commands/export/former_files.hpp"

#include <set>

#include "base/os/file.hpp"
#include "base/os/folder.hpp"

namespace consort::cli {

Result<> remove_former_files(const std::string& folder, const std::vector<kube::PackagedFile>& package) {
  std::set<std::string> written, folders;
  for (const kube::PackagedFile& file : package) {
    written.insert(join_path(folder, file.path));
    folders.insert(dir_name(join_path(folder, file.path)));
  }
  for (const std::string& each : folders) {
    const std::vector<std::string> names = TRY(list_folder(each));
    for (const std::string& name : names) {
      const std::string path = join_path(each, name);
      if (!name.ends_with(".yaml") || written.contains(path)) continue;
      const auto text = read_file(path);
      if (text && text->starts_with(kube::package_mark)) TRY(remove_file(path));
    }
  }
  return {};
}

}  // namespace consort::cli

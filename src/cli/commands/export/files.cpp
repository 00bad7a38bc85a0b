#include "base/os/files/file.hpp"
#include "cli/commands/export/export.hpp"
#include "compose/fates.hpp"

namespace consort::cli {

Result<> write_exported(const std::string& directory, const std::vector<ExportedFile>& files,
                        mode_t inner_directories) {
  TRY(make_directories(directory));
  for (const ExportedFile& file : files) {
    const std::string path = join_path(directory, file.path);
    TRY(make_directories(dir_name(path), inner_directories));
    TRY(write_file_atomic(path, file.text, file.mode));
  }
  return {};
}

Result<> write_left_out(const std::string& path, const std::vector<compose::Diagnostic>& notes) {
  if (notes.empty()) return remove_file(path);
  return write_file_atomic(path, compose::left_out_list(notes));
}

}  // namespace consort::cli

// The project as what other programs run. What could not be said there is told on standard error, and stands in a list
// beside what was written.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/invocation.hpp"
#include "compose/diagnostic.hpp"

namespace consort::cli {

Result<int> run_export_kubernetes(Invocation& invocation);
Result<int> run_export_quadlet(Invocation& invocation);
Result<int> run_export_systemd(Invocation& invocation);
Result<int> run_internal_kubernetes_reference(Invocation& invocation);
Result<int> run_internal_units_reference(Invocation& invocation);

struct ExportedFile {
  std::string path;  // below the folder
  std::string text;
  mode_t mode = 0644;
};
// The folder is made as others are; folders in it that hold anything private are for their owner alone.
Result<> write_exported(const std::string& folder, const std::vector<ExportedFile>& files, mode_t inner_folders);
// One that is there of an earlier time and says nothing any more is removed.
Result<> write_left_out(const std::string& path, const std::vector<compose::Diagnostic>& notes);

}  // namespace consort::cli

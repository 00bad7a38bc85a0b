// The project as what other programs run. Settings that could not be expressed there are named on standard error, and
// in a list next to the output.
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
  std::string path;  // below the directory
  std::string text;
  mode_t mode = 0644;
};
// The directory is made as others are; directories in it that hold anything private are for their owner alone.
Result<> write_exported(const std::string& folder, const std::vector<ExportedFile>& files, mode_t inner_folders);
// One that is there of an earlier time and says nothing any more is removed.
Result<> write_left_out(const std::string& path, const std::vector<compose::Diagnostic>& notes);

}  // namespace consort::cli

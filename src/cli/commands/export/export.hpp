// Exports the project for other programs. Settings that cannot be expressed there are reported on standard error and in
// a list next to the output.
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
  std::string path;  // relative to the output directory
  std::string text;
  mode_t mode = 0644;
};
// Creates the directory with default permissions; subdirectories have mode `inner_directories` because they may contain
// secrets.
Result<> write_exported(const std::string& directory, const std::vector<ExportedFile>& files, mode_t inner_directories);
// Writes the list of settings that were left out; removes an existing list if there are none.
Result<> write_left_out(const std::string& path, const std::vector<compose::Diagnostic>& notes);

}  // namespace consort::cli

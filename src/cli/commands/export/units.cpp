// export units: writes the project as systemd units, either Podman's or units that run it with this program.
#include "units/units.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "cli/commands/export/export.hpp"
#include "cli/commands/export/former_files.hpp"
#include "cli/render/diagnostic.hpp"
#include "cli/workspace.hpp"

namespace consort::cli {

namespace {

// Parses the Podman version in the flag: "5", "5.2" or "4.3.1".
Result<units::Podman> podman_of(const Invocation& invocation) {
  const std::string text = invocation.flags.text("podman", "5");
  const auto major = parse_unsigned(std::string_view(text).substr(0, text.find('.')));
  const std::size_t dot = text.find('.');
  const auto minor = dot == std::string::npos ? std::optional<std::uint64_t>()
                                              : parse_unsigned(text.substr(dot + 1, text.find('.', dot + 1) - dot - 1));
  if (!major || (dot != std::string::npos && !minor))
    return fail(Error(Code::invalid, "invalid version \"" + text + "\" of Podman").hint("for example --podman 4.3"));
  if (*major > 5 || (*major == 5 && minor.value_or(2) >= 2)) return units::Podman::quadlet;
  if (*major == 5 || (*major == 4 && minor.value_or(3) >= 3)) return units::Podman::services;
  return fail(Error(Code::unsupported, "Podman before 4.3 cannot run these units"));
}

Result<int> write_units(const Invocation& invocation, const units::Units& made, const std::string& project) {
  if (!invocation.has_warned) {
    WarningPrinter warnings(invocation.terminal);
    for (const compose::Diagnostic& each : made.notes) warnings.print(each);
  }
  std::vector<ExportedFile> files;
  for (const units::UnitFile& file : made.files) files.push_back({file.path, file.text, file.mode});
  if (!invocation.flags.has("output")) {
    for (const ExportedFile& file : files) print_out("### " + file.path + "\n" + file.text + "\n");
    return 0;
  }
  const std::string directory = invocation.flags.text("output");
  TRY(write_exported(directory, files, 0700));
  TRY(remove_former_files(directory, files, {units::files_directory(project)}, units::is_beside));
  TRY(write_left_out(join_path(directory, project + ".left-out.txt"), made.notes));
  return 0;
}

}  // namespace

Result<int> run_export_quadlet(Invocation& invocation) {
  const units::Podman kind = TRY(podman_of(invocation));
  const compose::Project project = TRY(load_project(invocation, TRY(load_options(invocation, {}))));
  const project::DesiredProject desired = TRY(project::desired_state(project));
  return write_units(invocation, TRY(units::podman_units(project, desired, kind)), project.name);
}

Result<int> run_export_systemd(Invocation& invocation) {
  const compose::Project project = TRY(load_project(invocation, TRY(load_options(invocation, {}))));
  const project::DesiredProject desired = TRY(project::desired_state(project));
  const std::string program = invocation.flags.text("program", "/usr/bin/consort");
  return write_units(invocation, TRY(units::consort_units(project, desired, program)), project.name);
}

Result<int> run_internal_units_reference(Invocation&) {
  print_out(units::attributes_markdown());
  return 0;
}

}  // namespace consort::cli

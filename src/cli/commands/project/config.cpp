#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/project/config_parts.hpp"
#include "cli/render/diagnostic.hpp"
#include "cli/render/line_diff.hpp"

namespace consort::cli {

namespace {

compose::LoadOptions with_switches(const ParsedFlags& flags, compose::LoadOptions options) {
  const auto off = [&](const char* flag, compose::Switch& value) {
    if (flags.on(flag)) value = compose::Switch::off;
  };
  off("no-interpolate", options.interpolate);
  off("variables", options.interpolate);  // a missing value must not stop the list of variables
  off("no-normalize", options.normalize);
  off("no-path-resolution", options.resolve_paths);
  off("no-consistency", options.check_consistency);
  // As in Docker Compose, --no-env-resolution does not affect the whole output: its env files are always resolved.
  const bool unresolved = flags.has("hash") && flags.on("no-env-resolution");
  if (needs_no_env_files(flags) || unresolved) options.resolve_env_files = compose::Switch::off;
  options.advise = compose::Switch::on;
  if (flags.has("why")) options.trace = compose::Switch::on;
  return options;
}

// The first unused name, so that a backup from an earlier correction is kept.
std::string backup_name(const std::string& file) {
  std::string name = file + ".bak";
  for (int i = 2; path_exists(name); ++i) name = file + ".bak." + std::to_string(i);
  return name;
}

// Shows the changes. Writes the corrected files, except in a dry run.
Result<> fix_files(const compose::LoadOutcome& outcome, bool dry_run) {
  std::set<std::string> files;
  for (const compose::Diagnostic& diagnostic : outcome.diagnostics)
    for (const compose::Fix& fix : diagnostic.fixes)
      if (fix.certainty == compose::Certainty::certain)
        for (const compose::TextEdit& edit : fix.edits) files.insert(edit.file);
  if (files.empty()) print_err("nothing to fix\n");
  for (const std::string& file : files) {
    const auto text = outcome.texts.find(file);
    if (text == outcome.texts.end() || file == "-") continue;
    const std::string fixed = compose::apply_fixes(text->second, file, outcome.diagnostics);
    if (fixed == text->second) continue;
    print_err(line_diff(file, text->second, fixed));
    if (dry_run) continue;
    const auto mode = TRY(stat_path(file)).st_mode & 07777;
    const std::string backup = backup_name(file);
    TRY(write_file_atomic(backup, text->second, mode, Durability::durable));
    TRY(write_file_atomic(file, fixed, mode, Durability::durable));
    print_err("fixed " + file + "; the original is in " + backup + "\n");
  }
  return {};
}

bool has_errors(const compose::LoadOutcome& outcome) {
  for (const compose::Diagnostic& diagnostic : outcome.diagnostics)
    if (diagnostic.severity == compose::Severity::error) return true;
  return !outcome.project;
}

// --check: prints all findings about the files, and nothing else.
Result<int> check(const Invocation& invocation, const compose::LoadOutcome& outcome) {
  const std::string format = invocation.flags.text("format");
  if (format == "json") {
    print_out(compose::diagnostics_json(outcome.diagnostics) + "\n");
  } else if (format == "sarif") {
    print_out(compose::diagnostics_sarif(outcome.diagnostics) + "\n");
  } else {
    print_diagnostics(invocation.terminal, outcome.diagnostics);
  }
  return has_errors(outcome) ? 1 : 0;
}

// Reports all problems with their positions. Returns true if there was an error.
bool report(const Invocation& invocation, const compose::LoadOutcome& outcome) {
  if (invocation.flags.text("format") == "json" && !outcome.project) {
    print_err(compose::diagnostics_json(outcome.diagnostics) + "\n");
    return true;
  }
  WarningPrinter warnings(invocation.terminal);
  std::vector<compose::Diagnostic> errors;
  for (const compose::Diagnostic& diagnostic : outcome.diagnostics) {
    if (diagnostic.severity == compose::Severity::warning) {
      warnings.print(diagnostic);
    } else {
      errors.push_back(diagnostic);
    }
  }
  if (!errors.empty()) print_diagnostics(invocation.terminal, errors);
  return !outcome.project;
}

Result<std::string> whole(const Invocation& invocation, const compose::LoadOutcome& outcome, compose::Project project) {
  const ParsedFlags& flags = invocation.flags;
  const std::string format = flags.text("format", "yaml");
  if (format != "yaml" && format != "json") return fail(Code::invalid, "unsupported format \"" + format + "\"");
  const bool json = format == "json";
  const bool lock = flags.on("lock-image-digests");
  const bool pin = lock || flags.on("resolve-image-digests");
  if (flags.on("no-interpolate") && outcome.raw_tree) {
    compose::Node tree = *outcome.raw_tree;
    if (pin) TRY(pin_images(tree));
    if (lock) keep_only_images(tree);
    return json ? compose::render_json(tree) : compose::render_yaml(tree);
  }
  if (!invocation.arguments.empty())
    project = TRY(compose::project_with_services(project, invocation.arguments, compose::Dependencies::include));
  if (pin) TRY(pin_images(project));
  if (lock) project = only_images(project);
  return json ? compose::render_json(project) : compose::render_yaml(project);
}

// The services of --hash a,b. The env files of other services need not exist.
std::vector<std::string> hashed_services(const ParsedFlags& flags) {
  const std::string names = flags.text("hash");
  return names.empty() || names == "*" ? std::vector<std::string>() : split(names, ',');
}

}  // namespace

Result<int> run_config(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  const bool selects = takes_services(flags);
  const compose::LoadOptions options =
      with_switches(flags, TRY(load_options(invocation, selects ? invocation.arguments : hashed_services(flags))));
  compose::LoadOutcome outcome = compose::load(options);
  if (flags.on("fix")) {
    TRY(fix_files(outcome, invocation.dry_run));
    if (invocation.dry_run) return 0;
    outcome = compose::load(options);  // loaded again to find the problems that are left
  }
  if (flags.on("check") || flags.text("format") == "sarif") return check(invocation, outcome);
  if (report(invocation, outcome) || !outcome.project) return 1;
  const compose::Project& project = *outcome.project;
  for (const char* whole_file : {"no-interpolate", "variables"})
    if (flags.on(whole_file) && selects && !invocation.arguments.empty())
      print_warning(invocation.terminal,
                    "service filtering is not applied when --" + std::string(whole_file) + " is set");
  if (flags.on("fix") && !flags.has("format")) return 0;
  if (const auto part = TRY(config_part(invocation, outcome, project))) {
    print_out(*part);
    return 0;
  }
  const std::string text = TRY(whole(invocation, outcome, project));
  if (flags.on("quiet")) return 0;
  if (flags.has("output")) {
    const mode_t mask = ::umask(022);  // reads the mask; it is applied to the mode below
    TRY(write_file_atomic(flags.text("output"), text, 0666 & ~mask));
  } else {
    print_out(text);
  }
  return 0;
}

}  // namespace consort::cli

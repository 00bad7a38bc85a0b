#include <fcntl.h>
#include <unistd.h>

#include <set>

#include "base/os/file.hpp"
#include "base/strings.hpp"
#include "cli/commands/config_parts.hpp"
#include "cli/commands/handlers.hpp"

namespace consort::cli {

namespace {

void apply_switches(const ParsedFlags& flags, compose::LoadOptions& options) {
  const auto off = [&](const char* flag, compose::Switch& value) {
    if (flags.on(flag)) value = compose::Switch::off;
  };
  off("no-interpolate", options.interpolate);
  off("no-normalize", options.normalize);
  off("no-path-resolution", options.resolve_paths);
  off("no-consistency", options.check_consistency);
  off("no-env-resolution", options.resolve_env_files);
  if (flags.has("why")) options.trace = compose::Switch::on;
}

compose::Colour colour_of(const Terminal& terminal) {
  return terminal.colour_err() ? compose::Colour::always : compose::Colour::never;
}

// Writes the corrected files; the value is the exit status.
Result<int> fix_files(const compose::LoadOutcome& outcome) {
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
    const auto mode = TRY(stat_path(file)).st_mode & 07777;
    TRY(write_file_atomic(file, fixed, mode, Durability::durable));
    print_err("fixed " + file + "\n");
  }
  return 0;
}

// Warnings as a line each; errors with their places. True if there was an error.
bool report(const Invocation& invocation, const compose::LoadOutcome& outcome) {
  if (invocation.flags.text("format") == "json" && !outcome.project) {
    print_err(compose::diagnostics_json(outcome.diagnostics) + "\n");
    return true;
  }
  std::vector<compose::Diagnostic> shown;
  for (const compose::Diagnostic& diagnostic : outcome.diagnostics) {
    // A warning with a place and a repair is shown whole; the one that everybody knows stays a line, as elsewhere.
    const bool plain = diagnostic.mark.line == 0 || diagnostic.fixes.empty() || diagnostic.code == "obsolete-version";
    if (diagnostic.severity == compose::Severity::warning && plain) {
      print_warning(invocation.terminal, diagnostic.message);
    } else {
      shown.push_back(diagnostic);
    }
  }
  if (!shown.empty()) print_err(compose::render_diagnostics(shown, colour_of(invocation.terminal)));
  return !outcome.project;
}

Result<std::string> whole(const Invocation& invocation, const compose::LoadOutcome& outcome,
                          const compose::Project& project) {
  const std::string format = invocation.flags.text("format", "yaml");
  if (format != "yaml" && format != "json") return fail(Code::invalid, "unsupported format \"" + format + "\"");
  if (invocation.flags.on("no-interpolate") && outcome.raw_tree)
    return format == "json" ? compose::render_json(*outcome.raw_tree) : compose::render_yaml(*outcome.raw_tree);
  return format == "json" ? compose::render_json(project) : compose::render_yaml(project);
}

Result<> deliver(const ParsedFlags& flags, const std::string& text) {
  if (flags.has("output")) return write_file_atomic(flags.text("output"), text);
  print_out(text);
  return {};
}

}  // namespace

Result<int> run_config(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  compose::LoadOptions options = TRY(load_options(invocation, invocation.arguments));
  apply_switches(flags, options);
  compose::LoadOutcome outcome = compose::load(options);
  if (flags.on("fix")) {
    TRY(fix_files(outcome));
    outcome = compose::load(options);  // what is left
  }
  if (report(invocation, outcome)) return 1;
  compose::Project project = *outcome.project;
  if (!invocation.arguments.empty())
    project = TRY(compose::project_with_services(project, invocation.arguments, compose::Dependencies::include));
  if (flags.on("quiet") || (flags.on("fix") && !flags.has("format"))) return 0;
  if (const auto part = TRY(config_part(invocation, outcome, project))) {
    TRY(deliver(flags, *part));
    return 0;
  }
  if (flags.on("resolve-image-digests") || flags.on("lock-image-digests")) {
    TRY(resolve_digests(project));
    if (flags.on("lock-image-digests")) {
      TRY(deliver(flags, digest_lock(project)));
      return 0;
    }
  }
  TRY(deliver(flags, TRY(whole(invocation, outcome, project))));
  return 0;
}

}  // namespace consort::cli

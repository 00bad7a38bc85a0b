// The Compose language: start with this header. Turns text into a typed, immutable Project or diagnostics; does not use
// containers or the network. Files are read through an injected reader, the environment is passed as a map.
//
//   LoadOptions options;
//   options.working_directory = cwd;  options.environment = environ_map();
//   LoadOutcome outcome = load(options);
//   if (!outcome.project) { std::cerr << render_diagnostics(outcome.diagnostics, Colour::never); return 1; }
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "compose/diagnostic.hpp"
#include "compose/model.hpp"

namespace consort::compose {

// The loader's access to the file system. Tests and fuzzers provide their own; system_files() is the real one.
struct FileAccess {
  std::function<Result<std::string>(const std::string& path)> read;  // absolute path, or "-" for standard input
  std::function<bool(const std::string& path)> is_file;              // follows links
  std::function<bool(const std::string& path)> exists;
  std::function<std::string(const std::string& path)> resolve_links;  // realpath, or the path itself on failure
};
FileAccess system_files();  // remembers, together with its copies, what can be read only once: pipes, standard input

enum class Switch : std::uint8_t { off, on };

struct LoadOptions {
  Strings files;                                   // -f in order; empty: COMPOSE_FILE, then discovery
  std::string project_directory;                   // --project-directory
  std::string project_name;                        // -p
  Strings env_files;                               // --env-file
  Strings profiles;                                // --profile
  std::map<std::string, std::string> environment;  // of the process
  std::string working_directory;                   // absolute; where the command was started
  Strings services;                                // named on the command line; their profiles become active
  FileAccess access = system_files();

  // Flags of `config`.
  Switch interpolate = Switch::on;
  Switch normalize = Switch::on;
  Switch resolve_paths = Switch::on;
  Switch check_consistency = Switch::on;
  Switch resolve_env_files = Switch::on;  // off: env_file is kept as written, as the hash of `config --hash` requires
  Switch all_resources = Switch::off;     // --all-resources: keep resources that no active service uses
  Switch advise = Switch::off;            // include the warnings of advise()
  Switch trace = Switch::off;             // record provenance, for `config --why`
};

// One step in the history of a value, oldest first.
struct ProvenanceStep {
  std::string what;   // "set", "overridden", "interpolated ${DB_HOST}", "from env_file", ...
  std::string value;  // masked if it could be a secret
  Mark mark;
  std::string line_text;
  std::string source;  // for a variable: ".env line 3", "environment of the process", "default"
};

struct VariableUse {
  std::string name;
  std::string default_value;
  std::string alternate_value;
  bool required = false;
};

struct LoadOutcome {
  std::optional<Project> project;       // nullopt if any diagnostic is an error
  std::vector<Diagnostic> diagnostics;  // including warnings, in the order in which Docker Compose would report them
  // Sorted by name. For `config --variables`, load without interpolation so that missing values cause no errors.
  std::vector<VariableUse> variables;
  // The texts that were read, by path: for apply_fixes().
  std::map<std::string, std::string> texts;
  // With --no-interpolate: the merged tree, because the typed model may be unable to represent it.
  std::shared_ptr<const Node> raw_tree;
  std::map<std::string, std::vector<ProvenanceStep>> provenance;  // by dotted path; only with trace
};

LoadOutcome load(const LoadOptions& options);

// Settings that are determined before the model and that other commands need without it: the project's directory, its
// name, and its environment (including .env files). Fails as Docker Compose does ("no configuration file provided: not
// found").
struct ProjectSettings {
  Strings files;  // absolute
  std::string working_directory;
  std::string name;  // "" if only the file's own `name:` determines it, or nothing does
  std::map<std::string, std::string> environment;
  std::vector<Diagnostic> diagnostics;
};
Result<ProjectSettings> find_project(const LoadOptions& options);
// The COMPOSE_* variables of the .env file (or --env-file), except those that select env files. The .env file is looked
// for in --project-directory, next to the first -f file, or in the working directory. Errors are left to load().
std::map<std::string, std::string> local_settings(const LoadOptions& options);

// Selects services. Fails with "no such service: x" for unknown names.
enum class Dependencies : std::uint8_t { include, ignore };
Result<Project> project_with_services(const Project& project, std::span<const std::string> names,
                                      Dependencies dependencies);
// Names in dependency order (dependencies first; ties by name).
Strings dependency_order(const Project& project);

// Problems of a valid project that would otherwise appear only when its containers start: host ports used by two
// containers, missing bind sources. Warnings, because the host may change until then.
enum class Advice : std::uint8_t {
  all,    // for commands that inspect files (`config`): including each directory that would be created
  traps,  // for commands that start containers (`up`): unintended results, such as a directory made in place of a file
};
std::vector<Diagnostic> advise(const Project& project, Advice advice, const FileAccess& access = system_files());

// Output of `config`.
std::string render_yaml(const Project& project);
std::string render_json(const Project& project);
std::string render_yaml(const Node& tree);  // --no-interpolate
std::string render_json(const Node& tree);
// The JSON from which the config hash is computed: without build, pull_policy, scale, deploy.replicas, depends_on,
// profiles.
std::string service_hash_json(const Service& service);
// `config --environment`: "K=V" lines, sorted.
std::string render_environment(const Project& project);

// Every attribute of the language, from the tables that the loader uses: for the documentation.
struct AttributeRow {
  std::string path;   // "services.*.healthcheck.interval"
  std::string types;  // "duration", "string or mapping"
  std::string merge;  // "replace", "append", ...
  std::string since;  // the first release that supports it
  std::string note;
};
std::vector<AttributeRow> attribute_table();

}  // namespace consort::compose

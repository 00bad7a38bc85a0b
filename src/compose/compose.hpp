// The Compose language: the one header to start from. Text in, a typed immutable Project or diagnostics out; touches no
// container and no network. Files come through an injected reader, the environment through a map.
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

// How the loader sees the disk. Tests and fuzzers give their own; system_files() is the real one.
struct FileAccess {
  std::function<Result<std::string>(const std::string& path)> read;  // absolute path, or "-" for standard input
  std::function<bool(const std::string& path)> is_file;              // follows links
  std::function<bool(const std::string& path)> exists;
  std::function<std::string(const std::string& path)> resolve_links;  // realpath, or the path itself
};
FileAccess system_files();  // it and its copies remember what can be read only once: pipes, standard input

enum class Switch : std::uint8_t { off, on };

struct LoadOptions {
  Strings files;                                   // -f in order; empty: COMPOSE_FILE, then discovery
  std::string project_directory;                   // --project-directory
  std::string project_name;                        // -p
  Strings env_files;                               // --env-file
  Strings profiles;                                // --profile
  std::map<std::string, std::string> environment;  // of the process
  std::string working_directory;                   // absolute: where the command was started
  Strings services;                                // named on the command line: their profiles become active
  FileAccess access = system_files();

  // Flags of `config`.
  Switch interpolate = Switch::on;
  Switch normalize = Switch::on;
  Switch resolve_paths = Switch::on;
  Switch check_consistency = Switch::on;
  Switch resolve_env_files = Switch::on;  // off: env_file stays as it is, as the hash of `config --hash` wants it
  Switch all_resources = Switch::off;     // --all-resources: keep what no active service uses
  Switch advise = Switch::off;            // the warnings of advise() among the others
  Switch trace = Switch::off;             // remember provenance for explain()
};

// One step in the life of a value, oldest first.
struct ProvenanceStep {
  std::string what;   // "set", "overridden", "interpolated ${DB_HOST}", "from env_file", ...
  std::string value;  // masked when it could be a secret
  Mark mark;
  std::string line_text;
  std::string source;  // of a variable: ".env line 3", "environment of the process", "default"
};

struct VariableUse {
  std::string name;
  std::string default_value;
  std::string alternate_value;
  bool required = false;
};

struct LoadOutcome {
  std::optional<Project> project;       // absent when any diagnostic is an error
  std::vector<Diagnostic> diagnostics;  // warnings too; in the order in which Docker Compose would have found them
  // Sorted by name. `config --variables`: load without interpolation, so that no missing value is in the way.
  std::vector<VariableUse> variables;
  // The texts read, by path: for apply_fixes().
  std::map<std::string, std::string> texts;
  // With --no-interpolate: the merged tree, since the typed model may not hold it.
  std::shared_ptr<const Node> raw_tree;
  std::map<std::string, std::vector<ProvenanceStep>> provenance;  // by dotted path; only with trace
};

LoadOutcome load(const LoadOptions& options);

// The settings that come before the model and that other commands need without one: where the project is, what it is
// called, its environment (with .env files). Fails as Docker Compose does ("no configuration file provided: not
// found").
struct ProjectSettings {
  Strings files;  // absolute
  std::string working_directory;
  std::string name;  // "" when only the file's own `name:` or nothing tells it
  std::map<std::string, std::string> environment;
  std::vector<Diagnostic> diagnostics;
};
Result<ProjectSettings> find_project(const LoadOptions& options);
// The COMPOSE_* variables of the .env (or --env-file) that stands where the command was given; those that say which env
// files there are left out. Errors are left to load().
std::map<std::string, std::string> local_settings(const LoadOptions& options);

// Selection. Unknown names fail with "no such service: x".
enum class Dependencies : std::uint8_t { include, ignore };
Result<Project> project_with_services(const Project& project, std::span<const std::string> names,
                                      Dependencies dependencies);
// Names in dependency order (dependencies first; ties by name).
Strings dependency_order(const Project& project);

// What a valid project only shows when its containers start: host ports that two containers want, bind sources that are
// missing. Warnings, since the host may change until then.
enum class Advice : std::uint8_t {
  all,    // for whoever looks at the files (`config`): each directory that will be made, too
  traps,  // for whoever starts them (`up`): what is meant by nobody, such as a directory made where a file should be
};
std::vector<Diagnostic> advise(const Project& project, Advice advice, const FileAccess& access = system_files());

// Output of `config`.
std::string render_yaml(const Project& project);
std::string render_json(const Project& project);
std::string render_yaml(const Node& tree);  // --no-interpolate
std::string render_json(const Node& tree);
// The JSON that the config hash is taken of: without build, pull_policy, scale, deploy.replicas, depends_on, profiles.
std::string service_hash_json(const Service& service);
// `config --environment`: "K=V" lines, sorted.
std::string render_environment(const Project& project);

// Every attribute that the language knows, from the tables that the loader runs on: for docs.
struct AttributeRow {
  std::string path;   // "services.*.healthcheck.interval"
  std::string types;  // "duration", "string or mapping"
  std::string merge;  // "replace", "append", ...
  std::string since;  // the first release that knows it
  std::string note;
};
std::vector<AttributeRow> attribute_table();

}  // namespace consort::compose

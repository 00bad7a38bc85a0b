// include: other projects' resources, loaded with their own directory and environment.
#include <algorithm>
#include <utility>

#include "base/os/files/file.hpp"
#include "compose/dotenv.hpp"
#include "compose/loader/loader.hpp"
#include "compose/passes/canonical.hpp"
#include "compose/settings.hpp"

namespace consort::compose {

namespace {

constexpr std::size_t depth_limit = 100;

Strings texts_of(const Node* node) {
  Strings texts;
  if (!node) return texts;
  if (node->is_string()) return {node->text};
  for (const Node& item : node->items) {
    if (item.is_string()) texts.push_back(item.text);
  }
  return texts;
}

}  // namespace

void TreeLoader::apply_includes(Node& document, const std::string& file, const Scope& scope) {
  const Node* found = document.find("include");
  if (!found) return;
  const Node includes = *found;
  document.erase("include");
  if (!includes.is_sequence()) {
    Diagnostic& made = reporter_.error("wrong-type", "`include` must be a list", includes.place);
    made.label = "this is not a list";
    made.help = "write\ninclude:\n  - other.yaml";
    return;
  }
  std::set<std::string> imported;  // "services.web": their files no longer matter
  for (const Node& item : includes.items) include_one(document, item, file, scope, imported);
}

void TreeLoader::include_one(Node& document, const Node& item, const std::string& file, const Scope& scope,
                             std::set<std::string>& imported) {
  Strings paths = item.is_string() ? Strings{item.text} : texts_of(item.find("path"));
  if (paths.empty()) {
    reporter_.error("missing-key", "validating " + file + ": include must name a path", item.place);
    return;
  }
  for (std::string& path : paths) {
    const auto found = path_of(path, scope, item.place);
    if (!found) return;
    const std::string written = std::exchange(path, *found);
    if (!options_.access.is_file(path)) return report_missing(written, scope, item.place);
    if (std::ranges::count(scope.includes, path)) {
      std::string message = "include cycle detected:\n" + scope.includes.front();
      for (std::size_t i = 1; i < scope.includes.size(); ++i) message += "\n include " + scope.includes[i];
      message += "\n include " + path;
      reporter_.error("include-cycle", message, item.place).label = "leads back to itself";
      return;
    }
  }
  const Node* directory = item.find("project_directory");
  const std::string home = directory && directory->is_string() && !directory->text.empty()
                               ? join_path(scope.base, directory->text)
                               : dir_name(paths[0]);
  // If a relative one does not exist, Docker Compose resolves paths against its parent directory.
  const bool exists = options_.access.exists(home) && !options_.access.is_file(home);
  const std::string base = exists || (directory && directory->text.starts_with('/')) ? home : dir_name(home);
  Strings env_files = texts_of(item.find("env_file"));
  for (std::string& each : env_files) each = join_path(scope.base, each);
  if (env_files.empty() && options_.access.is_file(home + "/.env")) env_files = {home + "/.env"};
  if (scope.includes.size() > depth_limit) {
    reporter_.error("include-depth",
                    "files include one another through more than " + std::to_string(depth_limit) + " steps",
                    item.place);
    return;
  }
  if (!make_values(scope.environment.size() + 1, item.place)) return;
  Environment environment;
  const Lookup first = [&scope](std::string_view name) -> const std::string* {
    const auto it = scope.environment.find(std::string(name));
    return it == scope.environment.end() ? nullptr : &it->second;
  };
  for (const std::string& each : env_files) {
    if (each == "/dev/null") continue;
    std::vector<std::string> unset;
    std::vector<std::string> warnings;
    if (auto read = read_env_file(options_.access, each, first, environment, unset, warnings); !read) {
      Diagnostic& made = reporter_.error("env-file", read.error().message(), item.place);
      made.label = "includes this env file";
    }
    for (std::string& warning : warnings) reporter_.warning("env-file", std::move(warning), item.place);
  }
  for (const auto& [key, value] : scope.environment) environment[key] = value;
  Node included = load_scope(paths, Scope{environment, base, scope.includes});
  set_defaults(included);
  check_tree(included, reporter_);
  resolve_paths(included, options_.resolve_paths ? base : relative_path(base, scope.base), path_options(), reporter_);
  resolve_named_values(included, environment);
  import(document, std::move(included), imported);
}

void TreeLoader::import(Node& document, Node included, std::set<std::string>& imported) {
  for (const std::string_view section : {"services", "volumes", "networks", "secrets", "configs", "models"}) {
    Entry* from = included.entry(section);
    if (!from || !from->value.is_mapping()) continue;
    Node* into = document.find(section);
    if (!into) {
      for (const Entry& entry : from->value.entries) imported.insert(std::string(section) + "." + entry.key);
      document.set(section, std::move(from->value), from->place);
      continue;
    }
    for (Entry& entry : from->value.entries) {
      Entry* present = into->entry(entry.key);
      const std::string path = std::string(section) + "." + entry.key;
      if (!present) {
        imported.insert(path);
        into->entries.push_back(std::move(entry));
      } else if (!imported.contains(
                     path)) {  // an including file may change included resources, as in Docker Compose since 5.0
        Path at;
        at.push(section);
        at.push(entry.key);
        Node own = std::exchange(present->value, std::move(entry.value));
        merge(present->value, std::move(own), at, reporter_, options_.listener);
        imported.insert(path);
      } else if (!same_value(present->value, entry.value)) {
        Diagnostic& made = reporter_.error("include-conflict",
                                           std::string(section) + "." + entry.key + " conflicts with imported resource",
                                           present->place);
        made.label = "defined here";
        made.help = "rename one of the two, or change the included one in an override file";
        made.related.push_back(reporter_.related(entry.place, "and in the included file"));
      }
    }
  }
}

}  // namespace consort::compose

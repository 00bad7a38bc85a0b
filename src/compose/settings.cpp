#include "compose/settings.hpp"

#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "compose/elsewhere.hpp"
#include "compose/file_names.hpp"

namespace consort::compose {

namespace {

constexpr std::string_view override_names[] = {"compose.override.yml", "compose.override.yaml",
                                               "docker-compose.override.yml", "docker-compose.override.yaml"};

class Finder {
 public:
  explicit Finder(const LoadOptions& options) : options_(options) {}

  Result<ProjectSettings> run() {
    out_.environment = options_.environment;
    out_.files = options_.files;
    TRY(read_dotenv());
    files_from_environment();
    TRY(discover());
    if (out_.files.empty()) {
      return fail(Error(Code::not_found, "no configuration file provided: not found")
                      .hint("there is no compose.yaml or docker-compose.yml in " + options_.working_directory +
                            " or above: go to the project's directory, or name the file with -f"));
    }
    for (std::string& file : out_.files) TRY(bring_here(file));
    out_.working_directory = directory();
    if (options_.env_files.empty()) TRY(read_dotenv());
    if (!out_.environment.contains("PWD")) out_.environment["PWD"] = options_.working_directory;
    TRY(name());
    return std::move(out_);
  }

  std::map<std::string, std::string> local_settings() {
    out_.environment = options_.environment;
    out_.files = options_.files;
    std::map<std::string, std::string> found;
    if (!read_dotenv()) return found;  // the error is reported when the project is loaded
    for (auto& [key, value] : out_.environment) {
      if (!options_.environment.contains(key) && key.starts_with("COMPOSE_") && key != "COMPOSE_ENV_FILES" &&
          key != "COMPOSE_DISABLE_ENV_FILE")
        found.emplace(key, std::move(value));
    }
    return found;
  }

 private:
  std::string absolute(const std::string& path) const { return join_path(options_.working_directory, path); }

  // A remote file has no directory until it has been fetched: this command reads its settings as given.
  std::string directory() const {
    if (!options_.project_directory.empty()) return absolute(options_.project_directory);
    for (const std::string& file : out_.files) {
      if (file != "-" && !is_elsewhere(file)) return dir_name(absolute(file));
      if (file != "-") return options_.working_directory;
    }
    return options_.working_directory;
  }

  Result<> bring_here(std::string& file) {
    if (file == "-") return {};
    std::string here = is_elsewhere(file) ? options_.access.resolve_links(file) : file;
    if (here.empty()) return fail(Code::not_found, "cannot read " + file);
    foreign_ = foreign_ || here != file;
    file = absolute(here);
    return {};
  }

  std::string variable(const std::string& name) const {
    const auto found = out_.environment.find(name);
    return found == out_.environment.end() ? std::string() : found->second;
  }

  void warn(std::string message) {
    Diagnostic made;
    made.severity = Severity::warning;
    made.code = "project";
    made.message = std::move(message);
    out_.diagnostics.push_back(std::move(made));
  }

  Strings env_files() const {
    if (!options_.env_files.empty()) return options_.env_files;
    const auto listed = options_.environment.find("COMPOSE_ENV_FILES");
    if (listed != options_.environment.end() && !listed->second.empty()) return split(listed->second, ',');
    const auto off = options_.environment.find("COMPOSE_DISABLE_ENV_FILE");
    if (off != options_.environment.end() && (to_lower(off->second) == "true" || off->second == "1")) return {};
    const std::string path = directory() + "/.env";
    return options_.access.is_file(path) ? Strings{path} : Strings{};
  }

  // The shell does not expand the tilde of --env-file=~/x.
  std::string from_home(const std::string& file) const {
    const auto home = options_.environment.find("HOME");
    if (!file.starts_with("~/") || home == options_.environment.end()) return file;
    return home->second + file.substr(1);
  }

  // Variables that are already in the environment are kept; a later file wins over an earlier one.
  Result<> read_dotenv() {
    std::map<std::string, std::string> found;
    std::vector<std::string> unset;
    std::vector<std::string> warnings;
    const Lookup first = [this](std::string_view name) -> const std::string* {
      const auto it = out_.environment.find(std::string(name));
      return it == out_.environment.end() ? nullptr : &it->second;
    };
    for (const std::string& file : env_files()) {
      const std::string path = absolute(from_home(file));
      if (!options_.access.is_file(path)) {
        if (options_.access.exists(path)) continue;
        return fail(Code::not_found, "couldn't find env file: " + path);
      }
      TRY(read_env_file(options_.access, path, first, found, unset, warnings));
    }
    for (std::string& each : warnings) {  // once, although the file may be read twice
      if (!std::ranges::count(out_.diagnostics, each, &Diagnostic::message)) warn(std::move(each));
    }
    for (const std::string& each : unset) {
      warn("The \"" + each + "\" variable is not set. Defaulting to a blank string.");
    }
    // A remote file must not determine how commands behave.
    if (foreign_) std::erase_if(found, [](const auto& each) { return each.first.starts_with("COMPOSE_"); });
    out_.environment.merge(found);
    return {};
  }

  void files_from_environment() {
    if (!out_.files.empty()) return;
    const std::string listed = variable("COMPOSE_FILE");
    if (listed.empty()) return;
    const std::string separator = variable("COMPOSE_PATH_SEPARATOR");
    std::string_view rest = listed;
    const std::string_view by = separator.empty() ? ":" : std::string_view(separator);
    for (;;) {
      const std::size_t at = rest.find(by);
      out_.files.emplace_back(rest.substr(0, at));
      if (at == std::string_view::npos) break;
      rest.remove_prefix(at + by.size());
    }
  }

  Result<> discover() {
    if (!out_.files.empty()) return {};
    std::string looked_in = directory();
    for (;;) {
      Strings present;
      for (const std::string_view name : default_names) {
        if (options_.access.is_file(join_path(looked_in, std::string(name)))) present.emplace_back(name);
      }
      if (!present.empty()) return use(looked_in, present);
      if (looked_in == "/" || looked_in == "." || looked_in.empty()) return {};
      looked_in = dir_name(looked_in);
    }
  }

  Result<> use(const std::string& directory, const Strings& present) {
    const std::string chosen = join_path(directory, present[0]);
    if (present.size() > 1) {
      Strings paths;
      for (const std::string& each : present) paths.push_back(join_path(directory, each));
      warn("Found multiple config files with supported names: " + join(paths, ", "));
      warn("Using " + chosen);
    }
    out_.files = {chosen};
    Strings overrides;
    for (const std::string_view name : override_names) {
      const std::string path = join_path(directory, std::string(name));
      if (options_.access.is_file(path)) overrides.push_back(path);
    }
    if (overrides.size() > 1) {
      warn("Found multiple override files with supported names: " + join(overrides, ", "));
      warn("Using " + overrides[0]);
    }
    if (!overrides.empty()) out_.files.push_back(overrides[0]);
    return {};
  }

  Result<> name() {
    out_.name = !options_.project_name.empty() ? options_.project_name : variable("COMPOSE_PROJECT_NAME");
    if (!out_.name.empty() && !is_project_name(out_.name)) return std::unexpected(bad_project_name(out_.name));
    return {};
  }

  const LoadOptions& options_;
  ProjectSettings out_;
  bool foreign_ = false;  // a file is remote
};

}  // namespace

Result<> read_env_file(const FileAccess& access, const std::string& path, const Lookup& first,
                       std::map<std::string, std::string>& into, std::vector<std::string>& unset,
                       std::vector<std::string>& warnings) {
  auto text = access.read(path);
  if (!text) return std::unexpected(std::move(text).error());
  const Lookup fallback = [&into](std::string_view name) -> const std::string* {
    const auto it = into.find(std::string(name));
    return it == into.end() ? nullptr : &it->second;
  };
  DotenvResult parsed = parse_dotenv(*text, first, fallback);
  if (!parsed.error.empty()) {
    Error error(Code::invalid, "failed to read " + path + ": " + parsed.error);
    error = std::move(error).at(Mark{path, parsed.error_line, 1, 0});
    return std::unexpected(std::move(error).hint("a line is NAME=VALUE, or starts with `#`"));
  }
  for (DotenvVariable& each : parsed.variables) {
    if (each.value) into[each.name] = std::move(*each.value);
  }
  for (std::string& each : parsed.unset) unset.push_back(std::move(each));
  for (const std::string& each : parsed.warnings) warnings.push_back(path + ": " + each);
  return {};
}

std::string normalize_project_name(std::string_view name) {
  std::string out;
  for (const char c : to_lower(name)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-') out.push_back(c);
  }
  out.erase(0, std::min(out.find_first_not_of("_-"), out.size()));
  return out;
}

bool is_project_name(std::string_view name) {
  return !name.empty() && normalize_project_name(name) == name;
}

Error bad_project_name(const std::string& name) {
  if (name.empty()) return Error(Code::invalid, "project name must not be empty");
  Error error(Code::invalid, "invalid project name \"" + name +
                                 "\": must consist only of lowercase alphanumeric characters, hyphens, and "
                                 "underscores as well as start with a letter or number");
  const std::string better = normalize_project_name(name);
  if (!better.empty()) return std::move(error).hint("use `" + better + "`");
  return error;
}

std::map<std::string, std::string> local_settings(const LoadOptions& options) {
  return Finder(options).local_settings();
}

Result<ProjectSettings> find_project(const LoadOptions& options) {
  return Finder(options).run();
}

}  // namespace consort::compose

#include <algorithm>
#include <set>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "compose/dotenv.hpp"
#include "compose/passes/finish.hpp"
#include "compose/settings.hpp"

namespace consort::compose {

namespace {

const std::string* find_in(const StringMap& map, std::string_view key) {
  const auto found = map.find(std::string(key));
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

void apply_profiles(Project& project) {
  const bool all = std::ranges::count(project.profiles, "*") > 0;
  if (all) return;
  for (auto it = project.services.begin(); it != project.services.end();) {
    const Strings& wanted = it->second.profiles;
    const bool active = wanted.empty() || std::ranges::any_of(wanted, [&](const std::string& each) {
                          return std::ranges::count(project.profiles, each) > 0;
                        });
    if (active) {
      ++it;
    } else {
      project.disabled_services.insert(project.services.extract(it++));
    }
  }
}

namespace {

// Whether a command uses the service: otherwise its files need not exist.
enum class Selected : std::uint8_t { no, yes };

// Limit of variables from files for all services together: each service has its own copy.
constexpr std::size_t variables_limit = 500'000;

bool take_variables(std::size_t count, std::size_t& left, Place place, Reporter& reporter) {
  if (count <= left) {
    left -= count;
    return true;
  }
  if (left > 0) {
    reporter.error("too-large", "the services of this project read too many variables from files", place).help =
        "use this file in fewer services, or put fewer variables in it";
  }
  left = 0;
  return false;
}

void resolve_environment(Service& service, const Project& project, const FileAccess& access, std::size_t& left,
                         Selected selected, Reporter& reporter) {
  if (service.env_file.empty() || left == 0) return;
  StringMap found;
  const Lookup first = [&](std::string_view name) -> const std::string* {
    if (const std::string* value = find_in(project.environment, name)) return value;
    const auto own = service.environment.find(std::string(name));
    return own != service.environment.end() && own->second ? &*own->second : nullptr;
  };
  const Lookup fallback = [&found](std::string_view name) { return find_in(found, name); };
  for (std::size_t i = 0; i < service.env_file.size(); ++i) {
    const EnvFile& file = service.env_file[i];
    const Strings item{"services", service.name, "env_file", std::to_string(i)};
    const Place place = place_in(*project.tree, {item[0], item[1], item[2], item[3], "path"});
    if (!access.is_file(file.path)) {
      if ((!file.required && !access.exists(file.path)) || selected == Selected::no) continue;
      Diagnostic& made = reporter.error(
          "missing-file", "env file " + file.path + " not found: stat " + file.path + ": no such file or directory",
          place);
      made.label = "this file does not exist";
      const bool short_form = place_in(*project.tree, item).column == place.column;
      const std::string directory = project.working_directory + "/";
      const std::string path = file.path.starts_with(directory) ? file.path.substr(directory.size()) : file.path;
      made.help = "create it, or write " + (short_form ? "{path: " + path + ", required: false}" : "`required: false`");
      continue;
    }
    auto text = access.read(file.path);
    if (!text) {
      reporter.error("unreadable", text.error().message(), place);
      continue;
    }
    if (!file.format.empty() && file.format != "raw") {
      reporter.error("bad-value", "unsupported env_file format \"" + file.format + "\"", place).help = "use `raw`";
      continue;
    }
    DotenvResult parsed = file.format == "raw" ? parse_raw_env(*text, first) : parse_dotenv(*text, first, fallback);
    for (const std::string& name : parsed.unset) {
      reporter.warning("unset-variable", "The \"" + name + "\" variable is not set. Defaulting to a blank string.");
    }
    for (const std::string& warning : parsed.warnings) {
      reporter.warning("env-file", file.path + ": " + warning, place).label = "read from here";
    }
    if (!parsed.error.empty()) {
      const std::string verb = file.format == "raw" ? "failed to parse env_file " : "failed to read ";
      Diagnostic& made = reporter.error("env-file", verb + file.path + ": " + parsed.error, place);
      made.label = "read from here";
      made.related.push_back(RelatedMark{Mark{file.path, parsed.error_line, 1, 0},
                                         std::string(line_of_text(*text, parsed.error_line)), parsed.error});
      made.help = "a line is NAME=VALUE, or starts with `#`";
      continue;
    }
    if (!take_variables(parsed.variables.size() + 1, left, place, reporter)) return;
    for (DotenvVariable& each : parsed.variables) {
      if (each.value) found[each.name] = std::move(*each.value);
    }
  }
  for (auto& [key, value] : found) service.environment.emplace(key, std::move(value));
  service.env_file.clear();
}

void resolve_labels(Service& service, const Project& project, const FileAccess& access, std::size_t& left,
                    Reporter& reporter) {
  if (service.label_file.empty() || left == 0) return;
  StringMap found;
  const Lookup nothing = [](std::string_view) -> const std::string* { return nullptr; };
  const Lookup fallback = [&found](std::string_view name) { return find_in(found, name); };
  for (std::size_t i = 0; i < service.label_file.size(); ++i) {
    const std::string& file = service.label_file[i];
    const Place place = place_in(*project.tree, {"services", service.name, "label_file", std::to_string(i)});
    auto text = access.is_file(file)
                    ? access.read(file)
                    : Result<std::string>(fail(Code::not_found, "stat " + file + ": no such file or directory"));
    if (!text) {
      reporter.error("missing-file", "label file " + file + " not found: " + text.error().message(), place);
      continue;
    }
    DotenvResult parsed = parse_dotenv(*text, nothing, fallback);
    if (!parsed.error.empty()) {
      reporter.error("env-file", "failed to read " + file + ": " + parsed.error, place);
      continue;
    }
    if (!take_variables(parsed.variables.size() + 1, left, place, reporter)) return;
    for (DotenvVariable& each : parsed.variables) {
      if (each.value) found[each.name] = std::move(*each.value);
    }
  }
  for (auto& [key, value] : found) service.labels.emplace(key, std::move(value));
  service.label_file.clear();
}

}  // namespace

std::set<std::string> with_dependencies(const Project& project, const Strings& services) {
  std::set<std::string> wanted;
  Strings todo = services;
  if (services.empty())
    for (const auto& [name, service] : project.services) todo.push_back(name);
  while (!todo.empty()) {
    const std::string name = std::move(todo.back());
    todo.pop_back();
    const auto found = project.services.find(name);
    if (found == project.services.end() || !wanted.insert(name).second) continue;
    for (const auto& [next, dependency] : found->second.depends_on) todo.push_back(next);
  }
  return wanted;
}

void resolve_env_files(Project& project, const Strings& services, const FileAccess& access, Reporter& reporter) {
  const std::set<std::string> wanted = with_dependencies(project, services);
  std::size_t left = variables_limit;
  for (auto& [name, service] : project.services) {
    const Selected selected = wanted.contains(name) ? Selected::yes : Selected::no;
    resolve_environment(service, project, access, left, selected, reporter);
    for (PreStartHook& hook : service.pre_start)
      for (Service* each : {&hook.own, &hook.container})
        resolve_environment(*each, project, access, left, selected, reporter);
  }
}

void resolve_label_files(Project& project, const FileAccess& access, Reporter& reporter) {
  std::size_t left = variables_limit;
  for (auto& [name, service] : project.services) {
    resolve_labels(service, project, access, left, reporter);
    for (PreStartHook& hook : service.pre_start)
      for (Service* each : {&hook.own, &hook.container}) resolve_labels(*each, project, access, left, reporter);
  }
}

void drop_unused_resources(Project& project) {
  std::map<std::string, bool> networks;
  std::map<std::string, bool> volumes;
  std::map<std::string, bool> secrets;
  std::map<std::string, bool> configs;
  std::map<std::string, bool> models;
  const auto use = [&](const Service& service) {
    for (const auto& each : service.networks) networks[each.first] = true;
    for (const Mount& mount : service.volumes) {
      if (mount.type == MountType::volume && !mount.source.empty()) volumes[mount.source] = true;
    }
    for (const FileReference& each : service.secrets) secrets[each.source] = true;
    for (const FileReference& each : service.configs) configs[each.source] = true;
    for (const auto& each : service.models) models[each.first] = true;
    if (service.build) {
      for (const FileReference& each : service.build->secrets) secrets[each.source] = true;
    }
  };
  for (const auto& [name, service] : project.services) {
    use(service);
    for (const PreStartHook& hook : service.pre_start) use(hook.own);
  }
  const auto drop = [](auto& map, const std::map<std::string, bool>& used) {
    std::erase_if(map, [&](const auto& item) { return !used.contains(item.first); });
  };
  drop(project.networks, networks);
  drop(project.volumes, volumes);
  drop(project.secrets, secrets);
  drop(project.configs, configs);
  drop(project.models, models);
}

}  // namespace consort::compose

#include "cli/commands/project/selection.hpp"

#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "compose/settings.hpp"
#include "project/exec/loaded_project.hpp"

namespace consort::cli {

std::optional<int> timeout_of(const Invocation& invocation) {
  const auto seconds = invocation.flags.integer("timeout");
  return seconds ? std::optional(saturated<int>(*seconds)) : std::nullopt;
}

Result<std::optional<int>> wait_limit(const ParsedFlags& flags) {
  const auto seconds = flags.integer("wait-timeout");
  if (seconds && *seconds < 0)
    return fail(Code::invalid,
                "--wait-timeout must be a non-negative integer (found: " + std::to_string(*seconds) + ")");
  if (!seconds || *seconds == 0) return std::optional<int>();
  return std::optional(saturated<int>(*seconds));
}

std::optional<unsigned> index_of(const Invocation& invocation) {
  const auto index = invocation.flags.integer("index");
  return index && *index > 0 ? std::optional(saturated<unsigned>(*index)) : std::nullopt;
}

Result<project::Orphans> orphans_of(const Invocation& invocation) {
  const bool remove = invocation.flags.has("remove-orphans") ? invocation.flags.on("remove-orphans")
                                                             : environment_says("COMPOSE_REMOVE_ORPHANS");
  const bool ignore = environment_says("COMPOSE_IGNORE_ORPHANS");
  if (remove && ignore) return fail(Code::invalid, "cannot combine COMPOSE_IGNORE_ORPHANS and --remove-orphans");
  return remove ? project::Orphans::remove : ignore ? project::Orphans::ignore : project::Orphans::warn;
}

std::vector<std::string> with_values(const Workspace& workspace, std::vector<std::string> entries) {
  std::erase_if(entries, [&](std::string& entry) {
    if (entry.contains('=')) return false;
    const auto value = workspace.variable(entry);
    if (value) entry += "=" + *value;
    return !value;
  });
  return entries;
}

Result<std::vector<std::string>> with_env_files(const Workspace& workspace, const Terminal& terminal,
                                                const std::vector<std::string>& files,
                                                std::vector<std::string> entries) {
  entries = with_values(workspace, std::move(entries));
  std::map<std::string, std::string> known;
  for (const std::string& entry : entries) known[entry.substr(0, entry.find('='))] = entry.substr(entry.find('=') + 1);
  const compose::Lookup first = [&](std::string_view wanted) -> const std::string* {
    const auto [found, is_new] = known.try_emplace(std::string(wanted));
    if (!is_new) return &found->second;
    if (auto ours = workspace.variable(found->first)) return &(found->second = std::move(*ours));
    known.erase(found);
    return nullptr;
  };
  std::map<std::string, std::string> read;
  std::vector<std::string> unset;
  std::vector<std::string> warnings;
  for (const std::string& path : files)
    TRY(compose::read_env_file(compose::system_files(), path, first, read, unset, warnings));
  for (const std::string& name : unset)
    print_warning(terminal, "The \"" + name + "\" variable is not set. Defaulting to a blank string.");
  for (const std::string& warning : warnings) print_warning(terminal, warning);
  std::vector<std::string> all;
  for (const auto& [name, value] : read) all.push_back(name + "=" + value);
  all.insert(all.end(), std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
  return all;
}

Result<std::map<std::string, unsigned>> parse_scale(const std::vector<std::string>& entries) {
  std::map<std::string, unsigned> result;
  for (const std::string& entry : entries) {
    const std::size_t equals = entry.find('=');
    const auto number =
        equals == std::string::npos ? std::nullopt : parse_unsigned(std::string_view(entry).substr(equals + 1));
    if (!number || *number > 10000)
      return fail(Code::invalid, "invalid --scale option \"" + entry + "\". Should be SERVICE=NUM");
    result[entry.substr(0, equals)] = static_cast<unsigned>(*number);
  }
  return result;
}

Result<> select_services(Workspace& workspace, const std::vector<std::string>& services,
                         compose::Dependencies dependencies) {
  if (services.empty()) return {};
  project::Session& session = workspace.session();
  session.project = TRY(compose::project_with_services(project::loaded_project(session), services, dependencies));
  return {};
}

namespace {

Result<> check_contradictions(const ParsedFlags& flags) {
  const auto both = [&](const char* a, const char* b) -> Result<> {
    if (!flags.on(a) || !flags.on(b)) return {};
    return fail(Code::invalid, "--" + std::string(a) + " and --" + b + " are incompatible");
  };
  TRY(both("build", "no-build"));
  TRY(both("force-recreate", "no-recreate"));
  TRY(both("always-recreate-deps", "no-recreate"));
  return both("renew-anon-volumes", "no-recreate");
}

Result<std::string> pull_of(const ParsedFlags& flags) {
  std::string pull = flags.text("pull");
  for (const std::string_view known : {"", "policy", "always", "missing", "never", "build"})
    if (pull == known) return pull;
  return fail(Code::invalid, "invalid --pull option \"" + pull + "\"");
}

}  // namespace

Result<project::UpOptions> up_options(const Invocation& invocation, Workspace& workspace,
                                      const std::vector<std::string>& services) {
  const ParsedFlags& flags = invocation.flags;
  TRY(check_contradictions(flags));
  project::UpOptions options;
  options.images.pull = TRY(pull_of(flags));
  options.images.now = system_now();
  options.images.named = {services.begin(), services.end()};
  if (flags.on("build")) options.images.build = project::BuildWish::always;
  if (flags.on("no-build")) options.images.build = project::BuildWish::never;
  if (flags.on("quiet-pull")) options.detail.pull = project::Detail::quiet;
  if (flags.on("quiet-build")) options.detail.build = project::Detail::quiet;

  project::ConvergeOptions& converge = options.converge;
  converge.named = {services.begin(), services.end()};
  if (flags.on("force-recreate")) converge.recreate = project::Recreate::always;
  if (flags.on("no-recreate")) converge.recreate = converge.recreate_dependencies = project::Recreate::never;
  if (flags.on("always-recreate-deps")) converge.recreate_dependencies = project::Recreate::always;
  if (flags.on("force-recreate") && services.empty()) converge.recreate_dependencies = project::Recreate::always;
  converge.scale = TRY(parse_scale(flags.list("scale")));
  const project::Session& session = workspace.session();
  const compose::Project& project = project::loaded_project(session);
  for (const auto& [name, number] : converge.scale)
    if (!project.services.contains(name))
      return fail(Code::not_found, "no such service: " + name +
                                       (project.disabled_services.contains(name) ? ": disabled" : ": not found"));
  converge.orphans = TRY(orphans_of(invocation));
  converge.renew_anonymous_volumes = flags.on("renew-anon-volumes");
  converge.timeout_seconds = timeout_of(invocation);
  converge.separator = session.separator;
  converge.env_files = session.env_files;
  converge.confirm = session.confirm;
  if (flags.on("yes")) converge.confirm = [](const std::string&) { return true; };
  return options;
}

}  // namespace consort::cli

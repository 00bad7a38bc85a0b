#include "project/watch/rules.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/os/files/file.hpp"
#include "base/os/files/real_path.hpp"

namespace consort::project {

namespace {

struct ActionName {
  std::string_view name;
  WatchAction action;
};
constexpr std::array action_names{ActionName{"rebuild", WatchAction::rebuild},
                                  ActionName{"restart", WatchAction::restart}, ActionName{"sync", WatchAction::sync},
                                  ActionName{"sync+exec", WatchAction::sync_exec},
                                  ActionName{"sync+restart", WatchAction::sync_restart}};

// Temporary files, and files that are never meant to be synced: Docker Compose's list.
const std::vector<std::string>& passing_files() {
  static const std::vector<std::string> patterns{
      "**/.git",        "**/*___jb_old___", "**/*___jb_tmp___", "**/.idea/**",
      "**/.#*",         "**/#*#",           "**/4913",          "**/*~",
      "**/.*.swp",      "**/.*.swx",        "**/.*.swo",        "**/.*.swn",
      "**/.*.kate-swp", "**/*-go-tmp-umask"};
  return patterns;
}

// An absolute pattern means exactly that path.
Result<engine::PatternList> patterns_of(const std::string& base, const compose::Strings& texts) {
  std::vector<std::string> patterns;
  for (const std::string& text : texts) {
    const bool back = text.starts_with('!');
    const std::string plain = back ? text.substr(1) : text;
    const auto inside = plain.starts_with('/') ? path_below(clean_path(plain), base) : std::nullopt;
    if (plain.starts_with('/') && !inside) continue;
    patterns.push_back((back ? "!" : "") + inside.value_or(plain));
  }
  return engine::PatternList::parse(patterns);
}

// A path in a bind mount is left to the mount, through which the container already sees every change.
bool is_mounted(const compose::Service& service, const std::string& path) {
  return std::ranges::any_of(service.volumes, [&](const compose::Mount& mount) {
    return mount.type == compose::MountType::bind && lies_in(path, mount.source);
  });
}

class Maker {
 public:
  Maker(const compose::Service& service, Rebuilds rebuilds, WatchRules& made)
      : service_(service), rebuilds_(rebuilds), made_(made) {}

  Result<> run() {
    if (service_.build && !service_.build->context.empty() && service_.build->context.starts_with('/')) {
      const std::string context = real_path_so_far(service_.build->context);
      const std::string dockerfile =
          service_.build->dockerfile.empty() ? "" : join_path(context, service_.build->dockerfile);
      context_ =
          PathFilter(context, TRY_WRAP(engine::load_ignore(context, dockerfile), "watch service", service_.name));
    }
    for (const compose::WatchTrigger& trigger : service_.develop->watch) TRY(add(trigger));
    return {};
  }

 private:
  Result<> add(const compose::WatchTrigger& trigger) {
    const auto action = std::ranges::find(action_names, trigger.action, &ActionName::name);
    if (action == action_names.end()) return fail(Code::invalid, "unknown watch action \"" + trigger.action + "\"");
    WatchRule rule{
        .service = service_.name, .action = action->action, .path = real_path_so_far(clean_path(trigger.path))};
    if (rule.action == WatchAction::rebuild) TRY(check_rebuild());
    rule.mounted = copies_files(rule.action) &&
                   (is_mounted(service_, clean_path(trigger.path)) || is_mounted(service_, rule.path));
    if (rule.mounted && rule.action != WatchAction::sync_exec) {
      made_.warnings.push_back("path '" + trigger.path +
                               "' also declared by a bind mount volume, this path won't be monitored!");
      return {};
    }
    rule.target = trigger.target.empty() ? "" : clean_path("/" + trigger.target);
    rule.exec = trigger.exec;
    rule.initial_sync = trigger.initial_sync || TRY(old_initial_sync(trigger));
    rule.include = PathFilter(rule.path, TRY_WRAP(patterns_of(rule.path, trigger.include), "read include of", where()));
    rule.ignore.emplace_back(rule.path, TRY_WRAP(patterns_of(rule.path, trigger.ignore), "read ignore of", where()));
    rule.ignore.push_back(context_);
    rule.is_file = path_exists(rule.path) && !list_as_directory(rule.path);
    rule.ignore.emplace_back(rule.is_file ? dir_name(rule.path) : rule.path,
                             TRY(engine::PatternList::parse(passing_files())));
    made_.rules.push_back(std::move(rule));
    return {};
  }

  static bool list_as_directory(const std::string& path) {
    const auto status = stat_path(path);
    return status && S_ISDIR(status->st_mode);
  }

  std::string where() const { return "service " + service_.name; }

  Result<> check_rebuild() const {
    if (!service_.build)
      return fail(Error(Code::invalid,
                        "can't watch service \"" + service_.name + "\" with action rebuild without a build context")
                      .at(service_.mark)
                      .hint("add `build:`, or use the action `restart` or `sync`"));
    if (rebuilds_ == Rebuilds::refused)
      return fail(Code::invalid, "--no-build is incompatible with watch action rebuild in service " + service_.name);
    return {};
  }

  // The attribute's name before it became part of the specification.
  Result<bool> old_initial_sync(const compose::WatchTrigger& trigger) {
    const auto old = trigger.extensions.find("x-initialSync");
    if (old == trigger.extensions.end()) return false;
    const std::string warning = "x-initialSync is DEPRECATED, please use the official `initial_sync` attribute";
    if (std::ranges::find(made_.warnings, warning) == made_.warnings.end()) made_.warnings.push_back(warning);
    return old->second.text == "true";
  }

  const compose::Service& service_;
  Rebuilds rebuilds_;
  WatchRules& made_;
  PathFilter context_;
};

}  // namespace

bool copies_files(WatchAction action) {
  return action == WatchAction::sync || action == WatchAction::sync_restart || action == WatchAction::sync_exec;
}

bool PathFilter::matches(const std::string& path) const {
  const auto inside = path_below(path, base_);
  return inside && patterns_.matches(*inside);
}

bool PathFilter::matches_all_below(const std::string& directory) const {
  const auto inside = path_below(directory, base_);
  return inside && patterns_.matches(*inside) && !patterns_.may_take_back_below(*inside);
}

bool WatchRule::concerns(const std::string& changed) const {
  if (!lies_in(changed, path)) return false;
  if (!include.empty() && changed != path && !include.matches(changed)) return false;
  return std::ranges::none_of(ignore, [&](const PathFilter& filter) { return filter.matches(changed); });
}

bool WatchRule::skips(const std::string& directory) const {
  if (lies_in(path, directory)) return false;  // it is on the way to what is wanted
  if (!lies_below(directory, path)) return true;
  return std::ranges::any_of(ignore, [&](const PathFilter& each) { return each.matches_all_below(directory); });
}

std::vector<std::string> WatchRules::roots() const {
  std::set<std::string> paths;
  for (const WatchRule& rule : rules) paths.insert(rule.path);
  // A path inside another one is watched together with it.
  std::vector<std::string> roots;
  for (const std::string& path : paths)
    if (std::ranges::none_of(paths, [&](const std::string& other) { return lies_below(path, other); }))
      roots.push_back(path);
  return roots;
}

bool WatchRules::skips(const std::string& directory) const {
  return std::ranges::all_of(rules, [&](const WatchRule& rule) { return rule.skips(directory); });
}

Result<WatchRules> watch_rules(const compose::Project& project, Rebuilds rebuilds) {
  WatchRules made;
  bool wanted = false;
  for (const auto& [name, service] : project.services) {
    if (!service.develop) continue;
    wanted = wanted || !service.develop->watch.empty();
    TRY(Maker(service, rebuilds, made).run());
  }
  if (made.rules.empty())
    return fail(Error(Code::invalid,
                      "none of the selected services is configured for watch, consider setting a 'develop' section")
                    .hint(wanted ? "all paths of the rules are already bind mounts" : ""));
  return made;
}

Reaction react(const WatchRules& rules, const std::vector<std::string>& changes) {
  Reaction reaction;
  for (const std::string& change : changes) {
    for (const WatchRule& rule : rules.rules) {
      if (!rule.concerns(change)) continue;
      if (rule.action == WatchAction::rebuild) reaction.rebuild.insert(rule.service);
      if (rule.copies()) reaction.sync[rule.service].push_back({&rule, change});
      if (rule.action == WatchAction::restart || rule.action == WatchAction::sync_restart)
        reaction.restart.insert(rule.service);
      if (rule.action == WatchAction::sync_exec && std::ranges::find(reaction.exec, &rule) == reaction.exec.end())
        reaction.exec.push_back(&rule);
    }
  }
  return reaction;
}

}  // namespace consort::project

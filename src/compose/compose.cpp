#include "compose/compose.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "compose/loader/loader.hpp"
#include "compose/model/codec.hpp"
#include "compose/parsed_files.hpp"
#include "compose/passes/canonical.hpp"
#include "compose/passes/finish.hpp"
#include "compose/passes/variables.hpp"
#include "compose/provenance.hpp"
#include "compose/render/emit.hpp"
#include "compose/schema.hpp"
#include "compose/settings.hpp"

namespace consort::compose {

Mark Project::locate(const Strings& path) const {
  return tree && sources ? sources->mark(place_in(*tree, path)) : Mark{};
}

std::string Project::line_at(const Mark& mark) const {
  return sources ? sources->line_text(mark) : std::string();
}

namespace {

Diagnostic diagnostic_of(const Error& error) {
  Diagnostic made;
  made.code = "project";
  made.message = error.message();
  made.help = error.hint_text();
  if (const Mark* mark = error.mark()) made.mark = *mark;
  return made;
}

// Removes errors that were found again in the model merged with a later file.
void drop_repeated(std::vector<Diagnostic>& diagnostics) {
  std::set<std::string> seen;
  std::map<std::string, std::string> first_code;  // of the first error at a place; its consequences are not reported
  std::erase_if(diagnostics, [&](const Diagnostic& each) {
    if (each.mark.line == 0) return false;
    if (each.code == "unset-variable") return false;
    const std::string key = each.code + "\n" + each.mark.file + "\n" + std::to_string(each.mark.line) + ":" +
                            std::to_string(each.mark.column) + "\n" + each.label + "\n" + each.help +
                            (each.code == "env-file" ? each.message : "");  // all of its lines have the same place
    if (!seen.insert(key).second) return true;
    if (each.severity != Severity::error) return false;
    const std::string place =
        each.mark.file + ":" + std::to_string(each.mark.line) + ":" + std::to_string(each.mark.column);
    return first_code.emplace(place, each.code).first->second != each.code;
  });
}

// If a value is wrong and a variable in it is not set, the variable is what needs fixing.
void explain_unset(std::vector<Diagnostic>& diagnostics, const std::vector<VariableSighting>& sightings,
                   const Sources& sources) {
  const auto place = [](const Mark& mark) { return std::tuple(mark.file, mark.line, mark.column); };
  std::map<std::tuple<std::string, std::uint32_t, std::uint32_t>, Strings> unset;
  for (const VariableSighting& each : sightings) {
    if (each.use.set || !each.use.op.empty() || !each.place) continue;
    Strings& names = unset[place(sources.mark(each.place))];
    if (!std::ranges::count(names, each.use.name)) names.push_back(each.use.name);
  }
  for (Diagnostic& each : diagnostics) {
    if (each.severity != Severity::error || each.mark.line == 0) continue;
    // These name the variable in question; other variables in the same value may well be empty.
    if (each.code == "required-variable" || each.code == "invalid-interpolation") continue;
    const auto found = unset.find(place(each.mark));
    if (found == unset.end()) continue;
    const std::string names = join(found->second, ", ");
    each.label = names + (found->second.size() > 1 ? " are" : " is") + " not set";
    each.help = "set " + names + " in .env or in the environment";
    each.fixes.clear();
  }
}

// All variables that were encountered in all files, after interpolation.
std::vector<VariableUse> variables_of(const std::vector<VariableSighting>& sightings) {
  std::map<std::string, VariableUse> by_name;
  for (const VariableSighting& sighting : sightings) {
    const TemplateUse& each = sighting.use;
    VariableUse& use = by_name[each.name];
    use.name = each.name;
    if (each.op == ":-" || each.op == "-") use.default_value = each.word;
    if (each.op == ":+" || each.op == "+") use.alternate_value = each.word;
    if (each.op == ":?" || each.op == "?") use.required = true;
  }
  std::vector<VariableUse> out;
  for (auto& [name, use] : by_name) out.push_back(std::move(use));
  return out;
}

void fill_in_replicas(Service& service) {
  if (service.scale && service.deploy && !service.deploy->replicas) service.deploy->replicas = service.scale;
}

class Load {
 public:
  Load(const LoadOptions& options, ParsedFiles* parsed)
      : options_(options), parsed_(parsed), sources_(std::make_shared<Sources>()), reporter_(*sources_) {}

  LoadOutcome run(Result<ProjectSettings> settings) {
    if (!settings) {
      Diagnostic made = diagnostic_of(settings.error());
      if (const auto text = made.mark.line > 0 ? options_.access.read(made.mark.file) : std::string()) {
        made.line_text = line_of_text(*text, made.mark.line);
      }
      outcome_.diagnostics.push_back(std::move(made));
      return std::move(outcome_);
    }
    settings_ = std::move(*settings);
    for (Diagnostic& each : settings_.diagnostics) outcome_.diagnostics.push_back(std::move(each));
    load_tree();
    if (tree_) build_project();
    finish();
    return std::move(outcome_);
  }

 private:
  void load_tree() {
    TreeOptions options{options_.access};
    options.parsed = parsed_;
    options.interpolate = options_.interpolate == Switch::on;
    options.resolve_paths = options_.resolve_paths == Switch::on;
    const auto home = settings_.environment.find("HOME");
    if (home != settings_.environment.end()) options.home = home->second;
    options.sightings = &sightings_;
    if (options_.trace == Switch::on) options.listener = &provenance_;
    TreeLoader loader(options, *sources_, reporter_);
    if (!name_project(loader)) return;
    settings_.environment["COMPOSE_PROJECT_NAME"] = settings_.name;
    const std::map<std::string, std::string> nothing;
    const auto& values = options_.interpolate == Switch::on ? settings_.environment : nothing;
    Node tree = loader.load(settings_.files, settings_.working_directory, values);
    // A document that has only a version, or includes nothing, counts as empty.
    const bool empty = std::ranges::all_of(
        tree.entries, [](const Entry& each) { return each.key == "version" || each.key == "include"; });
    if (empty && !reporter_.failed()) {
      Diagnostic& made = reporter_.error("empty", "empty compose file");
      if (!settings_.files.empty()) made.mark = Mark{settings_.files[0], 1, 1, 0};
      made.help = "for example:\nservices:\n  web:\n    image: nginx";
      return;
    }
    if (options_.normalize == Switch::on) normalize_tree(tree, settings_.name, values);
    tree_ = std::make_shared<const Node>(std::move(tree));
  }

  bool name_project(TreeLoader& loader) {
    bool unusable = false;  // a name was given, but nothing of it is usable
    if (settings_.name.empty()) {
      const std::string given = loader.project_name(settings_.files, settings_.environment);
      settings_.name = options_.normalize == Switch::on ? normalize_project_name(given) : given;
      unusable = !given.empty() && settings_.name.empty();
    }
    if (settings_.name.empty() && !unusable) {
      const std::string directory = settings_.working_directory;
      settings_.name = normalize_project_name(base_name(directory));
      const std::string real = options_.access.resolve_links(directory);
      if (base_name(real) != base_name(directory)) {
        reporter_.warning("symlink", "project has been loaded without an explicit name from a symlink. Using name \"" +
                                         settings_.name + "\"");
      }
    }
    if (!settings_.name.empty()) return true;
    Diagnostic& made = reporter_.error("project", "project name must not be empty");
    made.help = "write `name: NAME` at the top of the file, or use -p NAME";
    made.mark = Mark{settings_.files[0], 1, 1, 0};
    return false;
  }

  void activate_profiles(Project& project) {
    project.profiles = options_.profiles;
    if (project.profiles.empty()) {
      // If the variable is not set, the only active profile is "": services that list it (`profiles: ["", mysql]`) are
      // enabled by default.
      const auto found = settings_.environment.find("COMPOSE_PROFILES");
      const std::string names = found == settings_.environment.end() ? std::string() : found->second;
      for (const std::string& each : split(names, ',')) project.profiles.emplace_back(trim(each));
    }
    for (const std::string& name : options_.services) {
      const auto service = project.services.find(name);
      if (service == project.services.end()) continue;
      for (const std::string& each : service->second.profiles) {
        if (!std::ranges::count(project.profiles, each)) project.profiles.push_back(each);
      }
    }
    apply_profiles(project);
  }

  void build_project() {
    Project project;
    project.name = settings_.name;
    project.working_directory = settings_.working_directory;
    project.compose_files = settings_.files;
    project.environment = settings_.environment;
    project.tree = tree_;
    project.sources = sources_;
    if (options_.interpolate == Switch::off) {
      outcome_.project = std::move(project);  // the values are in raw_tree; numbers and ports may still be variables
      return;
    }
    decode_project(*tree_, project, reporter_);
    if (!reporter_.failed()) inherit_hooks(project);
    join_jobs(project, reporter_);
    activate_profiles(project);
    if (options_.check_consistency == Switch::on) {
      for (auto& [name, service] : project.services) {
        fill_in_replicas(service);
      }
      check_consistency(project, reporter_);
      check_jobs(project, reporter_);
      // A command that starts nothing does not need env files, and need not fail because of a clashing name.
      if (options_.resolve_env_files == Switch::on) check_container_names(project, options_.services, reporter_);
      check_image_tags(project, reporter_);
      if (options_.advise == Switch::on && !reporter_.failed()) {
        check_startup(project, Advice::all, options_.access, reporter_);
      }
    }
    if (options_.resolve_env_files == Switch::on) {
      resolve_env_files(project, options_.services, options_.access, reporter_);
    }
    resolve_label_files(project, options_.access, reporter_);
    project.keep_unused_resources = options_.all_resources == Switch::on;
    if (!project.keep_unused_resources) drop_unused_resources(project);
    part_jobs(project);
    outcome_.project = std::move(project);
  }

  void finish() {
    if (reporter_.failed()) outcome_.project.reset();
    for (Diagnostic& each : reporter_.diagnostics()) outcome_.diagnostics.push_back(std::move(each));
    if (reporter_.failed()) explain_unset(outcome_.diagnostics, sightings_, *sources_);
    drop_repeated(outcome_.diagnostics);
    sort_by_place(outcome_.diagnostics);
    if (options_.interpolate == Switch::on) {
      outcome_.variables = variables_of(sightings_);
    } else if (tree_) {
      outcome_.variables = variables_of(*tree_);
    }
    outcome_.raw_tree = tree_;
    if (options_.trace == Switch::on && tree_) {
      outcome_.provenance = provenance_.steps(*tree_, *sources_, sightings_, options_);
    }
    for (std::uint32_t i = 1; i < sources_->count(); ++i) {
      outcome_.texts[sources_->get(i)->path()] = sources_->get(i)->original();
    }
  }

  // Errors first, then in reading order: file by file, from top to bottom.
  void sort_by_place(std::vector<Diagnostic>& diagnostics) const {
    std::map<std::string, std::uint32_t> order;
    for (std::uint32_t i = 1; i < sources_->count(); ++i) order.emplace(sources_->get(i)->path(), i);
    std::ranges::stable_sort(diagnostics, {}, [&](const Diagnostic& each) {
      const auto file = order.find(each.mark.file);
      return std::tuple(each.severity, file == order.end() ? 0 : file->second, each.mark.line, each.mark.column);
    });
  }

  const LoadOptions& options_;
  ParsedFiles* parsed_;
  std::shared_ptr<Sources> sources_;
  Reporter reporter_;
  ProjectSettings settings_;
  std::shared_ptr<const Node> tree_;
  std::vector<VariableSighting> sightings_;
  Provenance provenance_;
  LoadOutcome outcome_;
};

}  // namespace

LoadOutcome load(const LoadOptions& options, Result<ProjectSettings> settings, ParsedFiles* parsed) {
  return Load(options, parsed).run(std::move(settings));
}

LoadOutcome load(const LoadOptions& options, Result<ProjectSettings> settings) {
  return load(options, std::move(settings), nullptr);
}

LoadOutcome load(const LoadOptions& options) {
  return load(options, find_project(options));
}

std::string top_level_value(const LoadOptions& options, const ProjectSettings& settings, const Strings& path,
                            ParsedFiles* parsed) {
  Sources sources;
  Reporter reporter(sources);
  TreeOptions how{options.access};
  how.parsed = parsed;
  TreeLoader loader(how, sources, reporter);
  if (settings.name.empty()) (void)loader.project_name(settings.files, settings.environment);  // as load() does
  return loader.top_level_value(settings.files, settings.environment, path);
}

std::string render_yaml(const Project& project) {
  return escape_dollars(emit_yaml(encode_project(project, Syntax::yaml)));
}
std::string render_json(const Project& project) {
  return escape_dollars(emit_json(encode_project(project, Syntax::json)));
}

std::string service_hash_json(const Service& service) {
  Service copy = service;
  copy.build.reset();
  copy.pull_policy.clear();
  copy.scale.reset();
  if (copy.deploy) copy.deploy->replicas.reset();
  copy.depends_on.clear();
  copy.profiles.clear();
  return emit_compact_json(encode_service(copy, Syntax::json));
}

std::string render_environment(const Project& project) {
  std::string out;
  for (const auto& [key, value] : project.environment) out += key + "=" + value + "\n";
  return out;
}

}  // namespace consort::compose

#include "cli/commands/project/config_parts.hpp"

#include <set>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "cli/render/service_graph.hpp"
#include "cli/render/table.hpp"
#include "project/plan/names.hpp"

namespace consort::cli {

namespace {

template <typename Map>
std::string keys_of(const Map& map) {
  std::string text;
  for (const auto& [key, value] : map) text += key + "\n";
  return text;
}

std::string keys_of(const compose::Node& tree, std::string_view section) {
  std::set<std::string> names;
  if (const compose::Node* found = tree.find(section))
    for (const compose::Entry& entry : found->entries) names.insert(entry.key);
  std::string text;
  for (const std::string& name : names) text += name + "\n";
  return text;
}

std::string lines_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += name + "\n";
  return text;
}

std::string models_of(const compose::Project& project) {
  std::string text;
  for (const auto& [name, model] : project.models)
    if (!model.model.empty()) text += model.model + "\n";
  return text;
}

std::string profiles_of(const compose::Project& project) {
  std::set<std::string> profiles;
  for (const auto* services : {&project.services, &project.disabled_services})
    for (const auto& [name, service] : *services) profiles.insert(service.profiles.begin(), service.profiles.end());
  std::string text;
  for (const std::string& profile : profiles) text += profile + "\n";
  return text;
}

std::string images_of(const compose::Project& project) {
  std::string text;
  for (const auto& [name, service] : project.services) {
    text += project::image_name(project, service) + "\n";
    for (const compose::PreStartHook& hook : service.pre_start)
      if (!hook.own.image.empty()) text += hook.own.image + "\n";
  }
  return text;
}

Result<const compose::Service*> find_service(const compose::Project& project, const std::string& name) {
  const auto found = project.services.find(name);
  if (found != project.services.end()) return &found->second;
  const bool disabled = project.disabled_services.contains(name);
  return fail(Code::not_found, "no such service: " + name + (disabled ? ": disabled" : ": not found"));
}

Result<std::string> hashes_of(const compose::Project& project, const std::string& wanted) {
  std::set<std::string> names;
  if (wanted == "*") {
    for (const auto& [name, service] : project.services) names.insert(name);
  } else {
    for (const std::string& name : split(wanted, ',')) names.insert(name);
  }
  std::string text;
  for (const std::string& name : names)
    text += name + " " + project::config_hash(project, *TRY(find_service(project, name))) + "\n";
  return text;
}

std::string yaml_line(std::string_view key, compose::Node value) {
  compose::Node line = compose::Node::make_mapping();
  line.set(key, std::move(value));
  return compose::render_yaml(line);
}

std::string variables_yaml(const std::vector<compose::VariableUse>& variables) {
  const std::string indent(4, ' ');
  std::string text;
  for (const compose::VariableUse& use : variables) {
    text += use.name + ":\n";
    text += indent + yaml_line("name", compose::Node::make_string(use.name));
    text += indent + yaml_line("defaultvalue", compose::Node::make_string(use.default_value));
    text += indent + yaml_line("presencevalue", compose::Node::make_string(use.alternate_value));
    text += indent + yaml_line("required", compose::Node::make_boolean(use.required));
  }
  return text;
}

Result<std::string> variables_of(const std::vector<compose::VariableUse>& variables, const std::string& format) {
  if (format == "json") {
    Json object = Json::object();
    for (const compose::VariableUse& use : variables)
      object[use.name] = {{"Name", use.name},
                          {"DefaultValue", use.default_value},
                          {"PresenceValue", use.alternate_value},
                          {"Required", use.required}};
    return dump_json(object, 4) + "\n\n";
  }
  if (format == "yaml") return variables_yaml(variables);
  if (!format.empty() && format != "table")
    return fail(Code::invalid, "format value \"" + format + "\" could not be parsed: parsing failed");
  std::vector<std::vector<std::string>> rows{{"NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"}};
  for (const compose::VariableUse& use : variables)
    rows.push_back({use.name, use.required ? "true" : "false", use.default_value, use.alternate_value});
  return format_table(rows, wide_table);
}

Result<std::string> why(const compose::LoadOutcome& outcome, const std::string& path) {
  const auto found = outcome.provenance.find(path);
  if (found == outcome.provenance.end()) {
    std::vector<std::string> known;
    for (const auto& [key, steps] : outcome.provenance) known.push_back(key);
    const auto near = nearest(path, known);
    return fail(Error(Code::not_found, "nothing in the files at " + path)
                    .hint(near ? "did you mean " + *near + "?" : "write the path with dots, e.g. services.web.image"));
  }
  std::string text;
  for (const compose::ProvenanceStep& step : found->second) {
    text += step.what + (step.value.empty() ? "" : ": " + step.value);
    if (step.mark.line != 0)
      text += "\n  " + step.mark.file + ":" + std::to_string(step.mark.line) + ":" + std::to_string(step.mark.column);
    if (!step.source.empty()) text += "\n  from " + step.source;
    if (!step.line_text.empty()) text += "\n    " + std::string(trim(step.line_text));
    text += "\n";
  }
  return text;
}

}  // namespace

Result<std::optional<std::string>> config_part(const Invocation& invocation, const compose::LoadOutcome& outcome,
                                               const compose::Project& project) {
  const ParsedFlags& flags = invocation.flags;
  const bool raw = flags.on("no-interpolate") && outcome.raw_tree;
  if (flags.on("services")) return raw ? keys_of(*outcome.raw_tree, "services") : lines_of(dependency_order(project));
  if (flags.has("graph")) return TRY(service_graph(project, flags.text("graph")));
  if (flags.on("volumes")) return keys_of(project.volumes);
  if (flags.on("networks")) return keys_of(project.networks);
  if (flags.on("models")) return models_of(project);
  if (flags.has("hash")) return TRY(hashes_of(project, flags.text("hash")));
  if (flags.on("variables")) return TRY(variables_of(outcome.variables, flags.text("format")));
  if (flags.has("why")) return TRY(why(outcome, flags.text("why")));
  if (!flags.on("profiles") && !flags.on("images") && !flags.on("environment")) return std::optional<std::string>();
  const std::vector<std::string>& names = invocation.arguments;
  const compose::Project chosen =
      names.empty() ? project : TRY(compose::project_with_services(project, names, compose::Dependencies::include));
  if (flags.on("profiles")) return profiles_of(chosen);
  if (flags.on("images")) return images_of(chosen);
  return flags.on("quiet") ? std::string() : compose::render_environment(chosen);
}

bool takes_services(const ParsedFlags& flags) {
  for (const char* list : {"services", "volumes", "networks", "models"})
    if (flags.on(list)) return false;
  return !flags.has("hash");
}

bool needs_no_env_files(const ParsedFlags& flags) {
  for (const char* list : {"services", "volumes", "networks", "models", "profiles", "images", "variables"})
    if (flags.on(list)) return true;
  return false;
}

}  // namespace consort::cli

#include "cli/commands/config_parts.hpp"

#include <set>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "cli/render/table.hpp"
#include "image/transfer.hpp"
#include "project/plan/names.hpp"

namespace consort::cli {

namespace {

template <typename Map>
std::string keys_of(const Map& map) {
  std::string text;
  for (const auto& [key, value] : map) text += key + "\n";
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
  for (const auto& [name, service] : project.services) text += project::image_name(project, service) + "\n";
  return text;
}

Result<std::string> hashes_of(const compose::Project& project, const std::string& wanted) {
  std::set<std::string> names;
  if (wanted == "*") {
    for (const auto& [name, service] : project.services) names.insert(name);
  } else {
    for (const std::string& name : split(wanted, ',')) {
      if (!project.services.contains(name)) return fail(Code::not_found, "no such service: " + name);
      names.insert(name);
    }
  }
  std::string text;
  for (const std::string& name : names)
    text += name + " " + project::config_hash(project, project.services.at(name)) + "\n";
  return text;
}

std::string variables_of(const std::vector<compose::VariableUse>& variables, const std::string& format) {
  if (format == "json") {
    Json object = Json::object();
    for (const compose::VariableUse& use : variables)
      object[use.name] = {{"Name", use.name},
                          {"DefaultValue", use.default_value},
                          {"PresenceValue", use.alternate_value},
                          {"Required", use.required}};
    return dump_json(object) + "\n";
  }
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
                    .hint(near ? "did you mean " + *near + "?" : "write the path with dots, as in services.web.image"));
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
  if (flags.on("services")) return keys_of(project.services);
  if (flags.on("volumes")) return keys_of(project.volumes);
  if (flags.on("networks")) return keys_of(project.networks);
  if (flags.on("models")) return keys_of(project.models);
  if (flags.on("profiles")) return profiles_of(project);
  if (flags.on("images")) return images_of(project);
  if (flags.has("hash")) return TRY(hashes_of(project, flags.text("hash")));
  if (flags.on("variables")) return variables_of(outcome.variables, flags.text("format"));
  if (flags.on("environment")) return compose::render_environment(project);
  if (flags.has("why")) return TRY(why(outcome, flags.text("why")));
  return std::optional<std::string>();
}

Result<> resolve_digests(compose::Project& project) {
  for (auto& [name, service] : project.services) {
    if (service.image.empty()) continue;
    const image::Reference reference = TRY(image::Reference::parse(service.image));
    if (reference.digest) continue;
    const image::Digest digest = TRY(image::resolve_digest(reference, {}));
    service.image = reference.familiar() + "@" + digest.text();
  }
  return {};
}

std::string digest_lock(const compose::Project& project) {
  std::string text = "services:\n";
  for (const auto& [name, service] : project.services)
    if (!service.image.empty()) text += "  " + name + ":\n    image: " + service.image + "\n";
  return text;
}

}  // namespace consort::cli

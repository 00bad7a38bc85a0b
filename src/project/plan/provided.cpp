#include "project/plan/provided.hpp"

#include <algorithm>

#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "compose/node.hpp"
#include "project/plan/graph.hpp"
#include "project/plan/names.hpp"

namespace consort::project {

namespace {

// Includes those that the selection of services has removed from the model.
std::set<std::string> dependencies_in_file(const compose::Project& project, const compose::Service& service) {
  std::set<std::string> names;
  for (const auto& [name, how] : service.depends_on) names.insert(name);
  const compose::Node* services = project.tree ? project.tree->find("services") : nullptr;
  const compose::Node* written = services ? services->find(service.name) : nullptr;
  const compose::Node* dependencies = written ? written->find("depends_on") : nullptr;
  if (!dependencies) return names;
  for (const compose::Entry& entry : dependencies->entries) names.insert(entry.key);
  return names;
}

std::string variable_prefix(const std::string& key) {
  return replace_all(to_upper(key), "-", "_");
}

class Collector {
 public:
  Collector(const compose::Project& project, const std::map<std::string, ProviderAnswer>& answers,
            const std::optional<ModelRunnerState>& runner, std::vector<std::string>& warnings)
      : project_(project), answers_(answers), runner_(runner), warnings_(warnings) {}

  std::optional<compose::StringMap> of(const compose::Service& service) {
    compose::StringMap variables;
    for (const std::string& name : dependencies_in_file(project_, service)) {
      const compose::Service* dependency = service_named(project_, name);
      if (!dependency || !dependency->provider) continue;
      const auto answer = answers_.find(name);
      if (answer == answers_.end()) return std::nullopt;
      add(service, name, answer->second, variables);
    }
    if (!service.models.empty() && !runner_) return std::nullopt;
    for (const auto& [key, how] : service.models) {
      const auto model = project_.models.find(key);
      if (model == project_.models.end()) continue;
      const std::string prefix = variable_prefix(key);
      variables[how.model_variable.empty() ? prefix + "_MODEL" : how.model_variable] = model->second.model;
      variables[how.endpoint_variable.empty() ? prefix + "_URL" : how.endpoint_variable] = runner_->endpoint;
    }
    return variables;
  }

 private:
  void add(const compose::Service& service, const std::string& provider, const ProviderAnswer& answer,
           compose::StringMap& variables) {
    for (const auto& [key, value] : answer.variables) variables[to_upper(provider) + "_" + key] = value;
    for (const auto& [key, value] : answer.raw_variables) {
      const auto own = service.environment.find(key);
      const auto earlier = variables.find(key);
      const bool replaces = (own != service.environment.end() && own->second != value) ||
                            (earlier != variables.end() && earlier->second != value);
      if (replaces)
        warnings_.push_back("provider \"" + provider + "\" overrides environment variable \"" + key +
                            "\" in service \"" + service.name + "\"");
      variables[key] = value;
    }
  }

  const compose::Project& project_;
  const std::map<std::string, ProviderAnswer>& answers_;
  const std::optional<ModelRunnerState>& runner_;
  std::vector<std::string>& warnings_;
};

}  // namespace

Operation provider_operation(ProviderCommand command, const compose::Service& service) {
  Operation operation;
  operation.action = RunProvider{command, *service.provider};
  operation.target = service.name;
  operation.service = service.name;
  // Only the program itself knows whether it can stop anything; its output is reported when it has run.
  if (command == ProviderCommand::stop) return operation;
  operation.shown = service.name;
  operation.before = command == ProviderCommand::up ? "Creating" : "Removing";
  operation.after = command == ProviderCommand::up ? "Created" : "Removed";
  return operation;
}

std::set<std::string> used_models(const compose::Project& project) {
  std::set<std::string> keys;
  for (const auto& [name, service] : project.services)
    for (const auto& [key, how] : service.models)
      if (project.models.contains(key)) keys.insert(key);
  return keys;
}

Plan plan_providers(const compose::Project& project, const ModelRunnerState& runner) {
  Plan plan;
  const ServiceGraph graph = ServiceGraph::of(project);
  std::map<std::string, OperationId> asked;
  for (const std::string& name : graph.order()) {
    const compose::Service& service = project.services.at(name);
    if (!service.provider) continue;
    Operation operation = provider_operation(ProviderCommand::up, service);
    for (const std::string& dependency : graph.with_dependencies({name}))
      if (const auto found = asked.find(dependency); found != asked.end()) operation.needs.push_back(found->second);
    asked[name] = plan.add(std::move(operation));
  }
  for (const std::string& key : used_models(project)) {
    const compose::Model& model = project.models.at(key);
    Operation operation;
    operation.action = PrepareModel{model, !runner.models.contains(model.model)};
    operation.target = model.model;
    operation.shown = model.name.empty() ? key : model.name;
    operation.before = "Configuring";
    operation.after = "Configured";
    plan.add(std::move(operation));
  }
  return plan;
}

Provided provided_variables(const compose::Project& project, const std::map<std::string, ProviderAnswer>& answers,
                            const std::optional<ModelRunnerState>& runner, std::vector<std::string>& warnings) {
  Provided provided;
  Collector collector(project, answers, runner, warnings);
  for (const auto& [name, service] : project.services)
    if (auto variables = collector.of(service)) provided.emplace(name, std::move(*variables));
  return provided;
}

bool lacks_provider(const compose::Project& project, const compose::Service& service) {
  return std::ranges::any_of(dependencies_in_file(project, service), [&](const std::string& name) {
    const auto left_out = project.disabled_services.find(name);
    return left_out != project.disabled_services.end() && left_out->second.provider;
  });
}

std::string digest_of_provided(const compose::StringMap& variables) {
  if (variables.empty()) return {};
  std::string text;
  for (const auto& [key, value] : variables)
    for (const std::string* part : {&key, &value}) text += std::to_string(part->size()) + ":" + *part;
  return sha256_hex(text);
}

}  // namespace consort::project

// Services run by an external program (`provider:`) instead of a container, and models. They are queried before
// containers are compared, since their answers are part of the containers' environment. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "compose/model.hpp"
#include "project/plan/plan.hpp"

namespace consort::project {

// A provider's answer about its service.
struct ProviderAnswer {
  compose::StringMap variables;      // prefixed with the service's name for dependents: DATABASE_URL
  compose::StringMap raw_variables;  // passed to dependents unchanged
};

// The model runner's answer.
struct ModelRunnerState {
  std::string endpoint;
  std::set<std::string> models;  // models on this machine
};

// Variables from providers and models, by service. A service may be missing because nothing was queried (--dry-run,
// --no-deps); its container is then left as it is.
using Provided = std::map<std::string, compose::StringMap>;

// Queries each provider, dependencies first, and prepares each model that a service uses.
Plan plan_providers(const compose::Project& project, const ModelRunnerState& runner);
Operation provider_operation(ProviderCommand command, const compose::Service& service);

// The keys of the models that services use.
std::set<std::string> used_models(const compose::Project& project);

// The variables known after that plan. `warnings`: variables that replace the file's.
Provided provided_variables(const compose::Project& project, const std::map<std::string, ProviderAnswer>& answers,
                            const std::optional<ModelRunnerState>& runner, std::vector<std::string>& warnings);

// Whether the service lacks variables because a provider is not among the selected services.
bool lacks_provider(const compose::Project& project, const compose::Service& service);

// A digest for a label; "" if there are no variables.
std::string digest_of_provided(const compose::StringMap& variables);

}  // namespace consort::project

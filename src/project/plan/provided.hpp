// Services that no container runs but a program outside (`provider:`), and models: what is asked of them before the
// containers are looked at, since what they answer is a part of the containers' environment. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "compose/model.hpp"
#include "project/plan/plan.hpp"

namespace consort::project {

// What a provider has said of its service.
struct ProviderAnswer {
  compose::StringMap variables;      // reach dependents below the service's name: DATABASE_URL
  compose::StringMap raw_variables;  // reach them as they are
};

// What the model runner has said.
struct ModelRunnerState {
  std::string endpoint;
  std::set<std::string> models;  // that are on this machine
};

// The environment that providers and models give, by service. A service that is not in it may have one that nobody has
// asked for (--dry-run, --no-deps): then its container is left as it is.
using Provided = std::map<std::string, compose::StringMap>;

// Asks each provider, those first that others depend on, and prepares each model that a service uses.
Plan plan_providers(const compose::Project& project, const ModelRunnerState& runner);
Operation provider_operation(ProviderCommand command, const compose::Service& service);

// The models of the file that services use, by their key.
std::set<std::string> used_models(const compose::Project& project);

// What is known after that plan. `warnings`: of variables that take the place of the file's.
Provided provided_variables(const compose::Project& project, const std::map<std::string, ProviderAnswer>& answers,
                            const std::optional<ModelRunnerState>& runner, std::vector<std::string>& warnings);

// Whether the service's environment lacks something because a provider is not among the selected services.
bool lacks_provider(const compose::Project& project, const compose::Service& service);

// For a label; "" for no variables.
std::string digest_of_provided(const compose::StringMap& variables);

}  // namespace consort::project

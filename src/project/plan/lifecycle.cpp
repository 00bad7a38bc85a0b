#include "project/plan/lifecycle.hpp"

#include <algorithm>
#include <utility>

#include "project/plan/operations.hpp"
#include "project/plan/provided.hpp"

namespace consort::project {

namespace {

using Needs = std::vector<OperationId>;

// Adds the operations that `make` returns for each container, dependents first, and a stop of each provider. Each
// operation needs those of the dependents.
template <typename Make>
void in_reverse_order(Plan& plan, const Containers& containers, const ServiceGraph& graph,
                      const std::map<std::string, compose::Service>& providers, Make&& make) {
  std::vector<std::string> order = graph.order();
  std::ranges::reverse(order);
  std::map<std::string, Needs> done;  // by service
  for (const std::string& name : order) {
    Needs needs;
    for (const std::string& dependent : graph.dependents(name)) {
      const Needs& theirs = done[dependent];
      needs.insert(needs.end(), theirs.begin(), theirs.end());
    }
    Needs mine;
    for (const engine::Container& container : containers)
      if (container.service == name) mine.push_back(make(plan, container, needs));
    if (const auto provided = providers.find(name); provided != providers.end()) {
      Operation stop = provider_operation(ProviderCommand::stop, provided->second);
      stop.needs = needs;
      mine.push_back(plan.add(std::move(stop)));
    }
    // A service without containers passes on the operations that it waits for.
    done[name] = mine.empty() ? needs : mine;
  }
}

Awaited awaited_of(compose::DependencyCondition condition) {
  return condition == compose::DependencyCondition::completed_successfully ? Awaited::completed : Awaited::healthy;
}

// The action on each container independently.
Plan on_each(const Containers& containers, const Action& action, const char* after) {
  Plan plan;
  plan.on_failure = OnFailure::go_on;
  for (const engine::Container& container : containers) {
    Operation operation = on_container(action, container);
    operation.after = after;
    plan.add(std::move(operation));
  }
  return plan;
}

// start and restart: dependencies first, each service as soon as its dependencies are in the required state.
class Starter {
 public:
  Starter(const Containers& containers, const ServiceGraph& graph) : containers_(containers), graph_(graph) {}

  Result<Plan> start(const std::set<std::string>& named, const StartPlanOptions& options) {
    const std::vector<std::string> names(named.begin(), named.end());
    const std::set<std::string> wanted = graph_.with_dependencies(named.empty() ? graph_.services() : names);
    for (const std::string& name : graph_.order()) {
      if (!wanted.contains(name)) continue;
      // A service without containers does not prevent the others from starting; a project without any is an error.
      if (containers_.empty())
        return fail(Error(Code::not_found, "service \"" + name + "\" has no container to start"));
      start_service(name, options);
    }
    if (options.then == StartPlanOptions::Then::wait) wait_for(wanted);
    return std::move(plan_);
  }

  Plan restart(const std::set<std::string>& named, Dependents dependents, const StopPlanOptions& options) {
    for (const std::string& name : graph_.order()) {
      const bool follows = dependents == Dependents::include &&
                           std::ranges::any_of(graph_.dependencies(name), [&](const auto& dependency) {
                             return dependency.second.restart && !up_[dependency.first].empty();
                           });
      if (follows || named.empty() || named.contains(name)) restart_service(name, options);
    }
    return std::move(plan_);
  }

 private:
  enum class Of : std::uint8_t { all, restarted };  // dependencies

  void start_service(const std::string& name, const StartPlanOptions& options) {
    Needs needs = conditions(name, Of::all);
    if (const auto hooks = options.pre_start.find(name); hooks != options.pre_start.end())
      for (Operation hook : hooks->second) {
        hook.needs = std::move(needs);
        needs = {plan_.add(std::move(hook))};
      }
    for (const engine::Container& container : containers_) {
      if (container.service != name) continue;
      if (container.state.started()) continue;
      Operation operation = start_operation(container);
      operation.needs = needs;
      needs.push_back(with_hooks(container, options.post_start, plan_.add(std::move(operation))));
      up_[name].push_back(needs.back());
    }
  }

  // The container counts as started when its hooks have run.
  OperationId with_hooks(const engine::Container& container,
                         const std::map<std::string, std::vector<compose::Hook>>& post_start, OperationId started) {
    const auto hooks = post_start.find(container.service);
    if (hooks == post_start.end()) return started;
    Operation hook = on_container(RunHooks{hooks->second}, container);
    hook.needs = {started};
    return plan_.add(std::move(hook));
  }

  void wait_for(const std::set<std::string>& wanted) {
    for (const engine::Container& container : containers_) {
      if (!wanted.contains(container.service)) continue;
      const std::vector<std::string> dependents = graph_.dependents(container.service);
      const bool completes = std::ranges::any_of(dependents, [&](const std::string& dependent) {
        return graph_.dependencies(dependent).at(container.service).condition ==
               compose::DependencyCondition::completed_successfully;
      });
      Operation wait = await_operation(container.name, container.service,
                                       completes ? Awaited::completed : Awaited::running_or_healthy);
      wait.object_id = container.id;
      wait.needs = up_[container.service];
      plan_.add(std::move(wait));
    }
  }

  void restart_service(const std::string& name, const StopPlanOptions& options) {
    const Needs needs = conditions(name, Of::restarted);
    for (const engine::Container& container : containers_) {
      if (container.service != name) continue;
      Operation operation = on_container(RestartContainer{options.timeout_seconds}, container);
      operation.before = "Restarting";
      operation.after = "Started";
      operation.needs = needs;
      if (const auto hooks = options.pre_stop.find(name);
          hooks != options.pre_stop.end() && container.state.status == engine::Status::running) {
        Operation hook = on_container(RunHooks{hooks->second}, container);
        hook.before = std::exchange(operation.before, "");
        hook.needs = std::move(operation.needs);
        operation.needs = {plan_.add(std::move(hook))};
      }
      up_[name].push_back(with_hooks(container, options.post_start, plan_.add(std::move(operation))));
    }
  }

  Needs conditions(const std::string& name, Of which) {
    Needs needs;
    for (const auto& [dependency, how] : graph_.dependencies(name)) {
      const Needs& started = up_[dependency];
      if (how.condition == compose::DependencyCondition::started) {
        needs.insert(needs.end(), started.begin(), started.end());
        continue;
      }
      if (which == Of::restarted && started.empty()) continue;
      for (const engine::Container& container : containers_)
        if (container.service == dependency) needs.push_back(await(container, how, started));
    }
    return needs;
  }

  OperationId await(const engine::Container& container, const compose::Dependency& how, const Needs& started) {
    const auto key = std::make_pair(container.name, how.condition);
    if (const auto found = awaits_.find(key); found != awaits_.end()) return found->second;
    Operation wait = await_operation(container.name, container.service, awaited_of(how.condition));
    wait.object_id = container.id;
    wait.needs = started;
    wait.necessity = how.required ? Necessity::required : Necessity::optional;
    return awaits_[key] = plan_.add(std::move(wait));
  }

  const Containers& containers_;
  const ServiceGraph& graph_;
  Plan plan_;
  std::map<std::string, Needs> up_;
  std::map<std::pair<std::string, compose::DependencyCondition>, OperationId> awaits_;
};

}  // namespace

Plan plan_stop(const Containers& containers, const ServiceGraph& graph, const StopPlanOptions& options) {
  Plan plan;
  plan.on_failure = OnFailure::go_on;
  const auto stop = [&](Plan& into, const engine::Container& container, const Needs& needs) {
    return add_stop(into, container, options, needs);
  };
  in_reverse_order(plan, containers, graph, options.providers, stop);
  return plan;
}

void add_from_file(StopPlanOptions& options, const compose::Project& project, const std::set<std::string>& named) {
  for (const auto& [name, service] : project.services) {
    if (!service.pre_stop.empty()) options.pre_stop[name] = service.pre_stop;
    if (service.provider && (named.empty() || named.contains(name))) options.providers.emplace(name, service);
  }
}

Result<Plan> plan_start(const Containers& containers, const ServiceGraph& graph, const std::set<std::string>& named,
                        const StartPlanOptions& options) {
  return Starter(containers, graph).start(named, options);
}

Plan plan_restart(const Containers& containers, const ServiceGraph& graph, const std::set<std::string>& named,
                  Dependents dependents, const StopPlanOptions& options) {
  return Starter(containers, graph).restart(named, dependents, options);
}

Plan plan_kill(const Containers& containers, const std::string& signal) {
  Plan plan;
  plan.on_failure = OnFailure::go_on;
  for (const engine::Container& container : containers) {
    Operation operation = on_container(KillContainer{signal}, container);
    operation.before = "Killing";
    operation.after = "Killed";
    plan.add(std::move(operation));
  }
  return plan;
}

Plan plan_pause(const Containers& containers) {
  return on_each(containers, PauseContainer{}, "Paused");
}

Plan plan_unpause(const Containers& containers) {
  return on_each(containers, UnpauseContainer{}, "Unpaused");
}

Plan plan_remove(const Containers& containers, const RemovePlanOptions& options) {
  Plan plan;
  plan.on_failure = OnFailure::go_on;
  for (const engine::Container& container : containers) {
    Operation remove = remove_operation(container, {.anonymous_volumes = options.anonymous_volumes});
    if (options.stop_first && container.state.running()) remove.needs = {add_stop(plan, container, {}, {})};
    plan.add(std::move(remove));
  }
  return plan;
}

}  // namespace consort::project

// Starts services in dependency order, and waits for the conditions of their dependents.
#include <algorithm>

#include "project/plan/converger.hpp"
#include "project/plan/operations.hpp"
#include "project/plan/pre_start.hpp"

namespace consort::project {

namespace {

// Whether the condition already holds in the snapshot, so that there is nothing to wait for.
bool fulfilled(const engine::Container& container, Awaited awaited) {
  const engine::ContainerState& state = container.state;
  switch (awaited) {
    case Awaited::healthy:
      return state.status == engine::Status::running && state.health.status == engine::HealthStatus::healthy;
    case Awaited::completed:
      return false;  // it will be started again
    case Awaited::running_or_healthy:
      return state.status == engine::Status::running && (state.health.status == engine::HealthStatus::healthy ||
                                                         state.health.status == engine::HealthStatus::none);
  }
  return false;
}

}  // namespace

Result<Plan> plan_converge(const compose::Project& project, const Observed& observed, const ConvergeOptions& options) {
  return Converger(project, observed, options).run();
}

Result<Plan> Converger::run() {
  for (const auto& [name, service] : project_.services) TRY(check_hooks(project_, service));
  TRY(networks());
  TRY(volumes());
  orphans();
  for (const std::string& name : graph_.order()) TRY(service(project_.services.at(name)));
  move_others();
  if (options_.after != AfterCreate::nothing) TRY(start_all());
  if (options_.after == AfterCreate::start_and_wait) wait_for_all();
  return std::move(plan_);
}

Result<> Converger::start_all() {
  // A container that cannot be created ends the command before any container is started.
  Operation created;
  created.target = "created";
  for (const Operation& operation : plan_.operations())
    if (!operation.is<Keep>()) created.needs.push_back(operation.id);
  const OperationId checkpoint = plan_.add(std::move(created));
  for (const std::string& name : graph_.order()) TRY(start_service(project_.services.at(name), checkpoint));
  return {};
}

OperationId Converger::await(const Replica& replica, Awaited awaited, Necessity necessity) {
  const auto key = std::make_tuple(replica.name, awaited, necessity);
  if (const auto found = awaits_.find(key); found != awaits_.end()) return found->second;
  Operation operation = await_operation(replica.name, replica.service, awaited);
  operation.number = replica.number;
  operation.necessity = necessity;
  operation.needs = replica.up;
  if (replica.existing) operation.object_id = replica.existing->id;
  if (replica.running && fulfilled(*replica.existing, awaited)) {
    operation.action = Keep{};
    operation.cause = std::string(done_word(awaited)) + " already";
  }
  return awaits_[key] = plan_.add(std::move(operation));
}

Converger::Needs Converger::conditions(const compose::Service& service) {
  Needs needs;
  for (const auto& [name, dependency] : service.depends_on) {
    const auto found = replicas_.find(name);
    if (found == replicas_.end()) continue;
    const Necessity necessity = dependency.required ? Necessity::required : Necessity::optional;
    for (const Replica& replica : found->second) {
      if (dependency.condition == compose::DependencyCondition::started) {
        needs.insert(needs.end(), replica.up.begin(), replica.up.end());
      } else {
        const bool healthy = dependency.condition == compose::DependencyCondition::healthy;
        needs.push_back(await(replica, healthy ? Awaited::healthy : Awaited::completed, necessity));
      }
    }
  }
  return needs;
}

// Hooks left by an earlier run, or kept by a failed one for inspection.
Converger::Needs Converger::remove_hooks(const std::string& service) {
  Needs removed;
  for (const engine::Container& hook : observed_.hooks) {
    if (hook.service != service) continue;
    Operation remove = remove_operation(hook, {.anonymous_volumes = true});
    remove.cause = "left by an earlier run";
    if (hook.state.running()) remove.needs = {stop_once(hook, {})};
    removed.push_back(plan_.add(std::move(remove)));
  }
  return removed;
}

// Once for the service, when none of its containers is running and one of them has never run: a container that has run
// has had its hooks.
Result<Converger::Needs> Converger::pre_start(const compose::Service& service, const std::vector<Replica>& replicas,
                                              Needs needs) {
  const bool runs = std::ranges::any_of(replicas, &Replica::running);
  const bool fresh = std::ranges::any_of(replicas, [](const Replica& each) {
    return !each.existing || each.existing->state.status == engine::Status::created;
  });
  if (service.pre_start.empty() || runs || !fresh) return needs;
  const Needs removed = remove_hooks(service.name);
  needs.insert(needs.end(), removed.begin(), removed.end());
  const std::string& donor = std::ranges::min_element(replicas, {}, &Replica::number)->name;
  for (Operation& run : TRY(hook_operations(project_, service, donor, replica_options(service, 1)))) {
    run.needs = std::move(needs);
    needs = {plan_.add(std::move(run))};
  }
  return needs;
}

Result<> Converger::start_service(const compose::Service& service, OperationId created) {
  const auto found = replicas_.find(service.name);
  if (found == replicas_.end()) return {};
  Needs ready = conditions(service);
  ready.push_back(created);
  const Needs wanted = TRY(pre_start(service, found->second, std::move(ready)));
  Needs previous;  // replicas of a service start one after another
  for (Replica& replica : found->second) {
    if (replica.running) continue;
    Operation start;
    start.action = StartContainer{};
    start.target = replica.name;
    start.service = service.name;
    start.number = replica.number;
    if (replica.existing) start.object_id = replica.existing->id;
    start.cause = replica.existing ? "not running" : "";
    start.shown = container_object(replica.name);
    start.before = "Starting";
    start.after = "Started";
    start.needs = {created};
    start.needs.insert(start.needs.end(), wanted.begin(), wanted.end());
    start.needs.insert(start.needs.end(), previous.begin(), previous.end());
    OperationId last = plan_.add(std::move(start));
    if (!service.post_start.empty()) {
      Operation hook;
      hook.action = RunHooks{service.post_start};
      hook.target = replica.name;
      hook.service = service.name;
      hook.needs = {last};
      last = plan_.add(std::move(hook));
    }
    replica.up = {last};
    previous = {last};
  }
  return {};
}

void Converger::wait_for_all() {
  for (const std::string& name : graph_.order()) {
    const auto found = replicas_.find(name);
    if (found == replicas_.end()) continue;
    const std::vector<std::string> dependents = graph_.dependents(name);
    const bool completes = std::ranges::any_of(dependents, [&](const std::string& dependent) {
      return graph_.dependencies(dependent).at(name).condition == compose::DependencyCondition::completed_successfully;
    });
    for (const Replica& replica : found->second)
      await(replica, completes ? Awaited::completed : Awaited::running_or_healthy, Necessity::required);
  }
}

}  // namespace consort::project

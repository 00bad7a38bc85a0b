#include "project/plan/operations.hpp"

#include <utility>

namespace consort::project {

std::string container_object(const std::string& name) {
  return "Container " + name;
}

Operation resource_operation(Action action, const char* kind, const std::string& name, std::string cause) {
  Operation operation;
  operation.action = std::move(action);
  operation.target = name;
  operation.cause = std::move(cause);
  operation.shown = std::string(kind) + " " + name;
  const bool creates = operation.is<CreateNetwork>() || operation.is<CreateVolume>();
  operation.before = creates ? "Creating" : "Removing";
  operation.after = creates ? "Created" : "Removed";
  return operation;
}

Operation on_container(Action action, const engine::Container& container) {
  Operation operation;
  operation.action = std::move(action);
  operation.target = container.name;
  operation.object_id = container.id;
  operation.service = container.service;
  operation.number = container.number;
  operation.shown = container_object(container.name);
  return operation;
}

Operation stop_operation(const engine::Container& container, std::optional<int> timeout_seconds) {
  Operation operation = on_container(StopContainer{timeout_seconds}, container);
  operation.before = "Stopping";
  operation.after = "Stopped";
  return operation;
}

OperationId add_stop(Plan& plan, const engine::Container& container, const StopPlanOptions& options,
                     std::vector<OperationId> needs) {
  Operation stop = stop_operation(container, options.timeout_seconds);
  if (const auto hooks = options.pre_stop.find(container.service);
      hooks != options.pre_stop.end() && container.state.status == engine::Status::running) {
    Operation hook = on_container(RunHooks{hooks->second}, container);
    hook.before = std::exchange(stop.before, "");  // its hooks run as part of stopping
    hook.needs = std::move(needs);
    needs = {plan.add(std::move(hook))};
  }
  stop.needs = std::move(needs);
  return plan.add(std::move(stop));
}

Operation remove_operation(const engine::Container& container, RemoveContainer how) {
  Operation operation = on_container(how, container);
  operation.before = "Removing";
  operation.after = "Removed";
  return operation;
}

Operation start_operation(const engine::Container& container) {
  Operation operation = on_container(StartContainer{}, container);
  operation.before = "Starting";
  operation.after = "Started";
  return operation;
}

std::string_view done_word(Awaited awaited) {
  return awaited == Awaited::completed ? "Exited" : "Healthy";
}

Operation await_operation(const std::string& container, const std::string& service, Awaited awaited) {
  Operation operation;
  operation.action = AwaitCondition{awaited};
  operation.target = container;
  operation.service = service;
  operation.shown = container_object(container);
  operation.before = "Waiting";
  operation.after = std::string(done_word(awaited));
  return operation;
}

}  // namespace consort::project

#include "project/plan/operations.hpp"

#include <utility>

namespace consort::project {

std::string container_object(const std::string& name) {
  return "Container " + name;
}

Operation on_container(Action action, const engine::Container& container) {
  Operation operation;
  operation.action = action;
  operation.target = container.name;
  operation.object_id = container.id;
  operation.service = container.service;
  operation.number = container.number;
  operation.shown = container_object(container.name);
  return operation;
}

Operation stop_operation(const engine::Container& container, std::optional<int> timeout_seconds) {
  Operation operation = on_container(Action::stop_container, container);
  operation.timeout_seconds = timeout_seconds;
  operation.before = "Stopping";
  operation.after = "Stopped";
  return operation;
}

OperationId add_stop(Plan& plan, const engine::Container& container, const StopPlanOptions& options,
                     std::vector<OperationId> needs) {
  Operation stop = stop_operation(container, options.timeout_seconds);
  if (const auto hooks = options.pre_stop.find(container.service);
      hooks != options.pre_stop.end() && container.state.status == engine::Status::running) {
    Operation hook = on_container(Action::run_hook, container);
    hook.before = std::exchange(stop.before, "");  // its hooks are a part of stopping
    hook.hooks = hooks->second;
    hook.needs = std::move(needs);
    needs = {plan.add(std::move(hook))};
  }
  stop.needs = std::move(needs);
  return plan.add(std::move(stop));
}

Operation remove_operation(const engine::Container& container) {
  Operation operation = on_container(Action::remove_container, container);
  operation.before = "Removing";
  operation.after = "Removed";
  return operation;
}

Operation start_operation(const engine::Container& container) {
  Operation operation = on_container(Action::start_container, container);
  operation.before = "Starting";
  operation.after = "Started";
  return operation;
}

std::string_view done_word(Awaited awaited) {
  return awaited == Awaited::completed ? "Exited" : "Healthy";
}

Operation await_operation(const std::string& container, const std::string& service, Awaited awaited) {
  Operation operation;
  operation.action = Action::await_condition;
  operation.target = container;
  operation.service = service;
  operation.awaited = awaited;
  operation.shown = container_object(container);
  operation.before = "Waiting";
  operation.after = std::string(done_word(awaited));
  return operation;
}

}  // namespace consort::project

// Operations that several planners create, with their progress texts.
#pragma once

#include <optional>
#include <vector>

#include "project/plan/lifecycle.hpp"
#include "project/plan/plan.hpp"

namespace consort::project {

std::string container_object(const std::string& name);  // "Container x"
// "Network x" or "Volume x", to be created or removed.
Operation resource_operation(Action action, const char* kind, const std::string& name, std::string cause);
Operation on_container(Action action, const engine::Container& container);
Operation stop_operation(const engine::Container& container, std::optional<int> timeout_seconds);
// Adds the stop to the plan, after the service's pre_stop hooks; returns the ID of the stop itself.
OperationId add_stop(Plan& plan, const engine::Container& container, const StopPlanOptions& options,
                     std::vector<OperationId> needs);
Operation remove_operation(const engine::Container& container, RemoveContainer how = {});
Operation start_operation(const engine::Container& container);
Operation await_operation(const std::string& container, const std::string& service, Awaited awaited);
std::string_view done_word(Awaited awaited);  // "Healthy", "Exited"

}  // namespace consort::project

#include "project/plan/plan.hpp"

#include <algorithm>

namespace consort::project {

namespace {

struct ActionWords {
  std::string_view object, verb;
};

ActionWords words(Action action) {
  switch (action) {
    case Action::keep:
      return {"container", "keep"};
    case Action::pull_image:
      return {"image", "pull"};
    case Action::build_image:
      return {"image", "build"};
    case Action::remove_image:
      return {"image", "remove"};
    case Action::create_network:
      return {"network", "create"};
    case Action::remove_network:
      return {"network", "remove"};
    case Action::create_volume:
      return {"volume", "create"};
    case Action::remove_volume:
      return {"volume", "remove"};
    case Action::create_container:
      return {"container", "create"};
    case Action::start_container:
      return {"container", "start"};
    case Action::stop_container:
      return {"container", "stop"};
    case Action::kill_container:
      return {"container", "kill"};
    case Action::restart_container:
      return {"container", "restart"};
    case Action::pause_container:
      return {"container", "pause"};
    case Action::unpause_container:
      return {"container", "unpause"};
    case Action::remove_container:
      return {"container", "remove"};
    case Action::rename_container:
      return {"container", "rename"};
    case Action::await_condition:
      return {"container", "wait"};
    case Action::run_hook:
      return {"container", "hook"};
    case Action::checkpoint:
      return {"all", "checkpoint"};
  }
  return {"?", "?"};
}

std::string_view awaited_word(Awaited awaited) {
  switch (awaited) {
    case Awaited::healthy:
      return "healthy";
    case Awaited::completed:
      return "completed";
    case Awaited::running_or_healthy:
      return "running or healthy";
  }
  return "?";
}

std::string detail(const Operation& operation) {
  std::string text(to_string(operation.action));
  switch (operation.action) {
    case Action::rename_container:
      text += " to " + operation.new_name;
      break;
    case Action::await_condition:
      text += " until " + std::string(awaited_word(operation.awaited));
      break;
    case Action::kill_container:
      text += " " + operation.signal;
      break;
    case Action::stop_container:
    case Action::restart_container:
      if (operation.timeout_seconds) text += " within " + std::to_string(*operation.timeout_seconds) + "s";
      break;
    default:
      break;
  }
  if (operation.necessity == Necessity::optional) text += " if possible";
  if (operation.remove_anonymous_volumes) text += " with anonymous volumes";
  return text;
}

}  // namespace

std::string_view to_string(Action action) {
  return words(action).verb;
}

OperationId Plan::add(Operation operation) {
  operation.id = static_cast<OperationId>(operations_.size());
  std::ranges::sort(operation.needs);
  const auto [first, last] = std::ranges::unique(operation.needs);
  operation.needs.erase(first, last);
  operations_.push_back(std::move(operation));
  return operations_.back().id;
}

bool Plan::changes_anything() const {
  return std::ranges::any_of(operations_, [](const Operation& operation) {
    return operation.action != Action::keep && operation.action != Action::checkpoint &&
           operation.action != Action::await_condition;
  });
}

std::string Plan::to_string() const {
  std::string text;
  for (const std::string& warning : warnings) text += "warning: " + warning + "\n";
  for (const Operation& operation : operations_) {
    std::string needs;
    for (const OperationId need : operation.needs) needs += (needs.empty() ? "" : ",") + std::to_string(need + 1);
    text += "[" + needs + "] -> #" + std::to_string(operation.id + 1) + " " +
            std::string(words(operation.action).object) + " " + operation.target;
    if (operation.action != Action::checkpoint) text += ", " + detail(operation);
    if (!operation.cause.empty()) text += ", " + operation.cause;
    text += "\n";
  }
  return text;
}

}  // namespace consort::project

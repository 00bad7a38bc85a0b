#include "project/plan/plan.hpp"

#include <algorithm>

namespace consort::project {

std::string_view to_string(ProviderCommand command) {
  switch (command) {
    case ProviderCommand::up:
      return "up";
    case ProviderCommand::stop:
      return "stop";
    case ProviderCommand::down:
      return "down";
  }
  return "?";
}

namespace {

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

std::string within(const std::optional<int>& seconds) {
  return seconds ? " within " + std::to_string(*seconds) + "s" : "";
}

// The text that follows the verb of an operation.
struct Detail {
  std::string operator()(const RenameContainer& rename) const { return " to " + rename.new_name; }
  std::string operator()(const ConnectContainer& connect) const { return " to " + connect.endpoint->network; }
  std::string operator()(const DisconnectContainer& disconnect) const { return " from " + disconnect.network; }
  std::string operator()(const AwaitCondition& wait) const {
    return " until " + std::string(awaited_word(wait.awaited));
  }
  std::string operator()(const KillContainer& kill) const { return " " + kill.signal; }
  std::string operator()(const StopContainer& stop) const { return within(stop.timeout_seconds); }
  std::string operator()(const RestartContainer& restart) const { return within(restart.timeout_seconds); }
  std::string operator()(const RunProvider& run) const {
    return " " + run.provider.type + " " + std::string(to_string(run.command));
  }
  std::string operator()(const PrepareModel& model) const { return model.pull ? " after pulling it" : ""; }
  std::string operator()(const auto&) const { return {}; }
};

std::string detail(const Operation& operation) {
  std::string text(operation.facts().verb);
  text += std::visit(Detail{}, operation.action);
  if (operation.necessity == Necessity::optional) text += " if possible";
  if (const auto* remove = operation.as<RemoveContainer>(); remove && remove->anonymous_volumes)
    text += " with anonymous volumes";
  return text;
}

}  // namespace

const KindFacts& Operation::facts() const {
  return std::visit([](const auto& kind) -> const KindFacts& { return kind.facts; }, action);
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
    return !operation.is<Keep>() && !operation.is<Checkpoint>() && !operation.is<AwaitCondition>();
  });
}

std::string Plan::to_string() const {
  std::string text;
  for (const std::string& warning : warnings) text += "warning: " + warning + "\n";
  for (const Operation& operation : operations_) {
    std::string needs;
    for (const OperationId need : operation.needs) needs += (needs.empty() ? "" : ",") + std::to_string(need + 1);
    text += "[" + needs + "] -> #" + std::to_string(operation.id + 1) + " " + std::string(operation.facts().object) +
            " " + operation.target;
    if (!operation.is<Checkpoint>()) text += ", " + detail(operation);
    if (!operation.cause.empty()) text += ", " + operation.cause;
    text += "\n";
  }
  return text;
}

}  // namespace consort::project

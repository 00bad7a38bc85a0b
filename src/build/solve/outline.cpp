#include "build/solve/outline.hpp"

#include "base/strings.hpp"

namespace consort::build {

namespace {

using Kind = PlannedInstruction::Kind;

// "run make" -> "RUN make"
std::string with_keyword(const std::string& original) {
  const std::size_t space = original.find_first_of(" \t");
  return space == std::string::npos ? to_upper(original) : to_upper(original.substr(0, space)) + original.substr(space);
}

Kind kind_of(const Operation& operation) {
  if (std::holds_alternative<RunOperation>(operation.action)) return Kind::run;
  return std::holds_alternative<CopyOperation>(operation.action) ? Kind::copy : Kind::settings;
}

// The operations belong, in order, to the steps that have one.
void add_steps(std::vector<PlannedInstruction>& list, const Node& node, const StagePlan& plan) {
  std::size_t next = 0;
  for (const Step& step : node.steps) {
    PlannedInstruction instruction{.text = with_keyword(step.original), .stage = node.title};
    const bool has_operation = next < plan.operations.size() && plan.operations[next].original == step.original &&
                               plan.operations[next].range == step.range;
    if (has_operation) {
      instruction.number = plan.operations[next].number;
      instruction.kind = kind_of(plan.operations[next]);
      ++next;
    }
    list.push_back(std::move(instruction));
  }
}

}  // namespace

std::vector<PlannedInstruction> outline(const Dockerfile& dockerfile, const Graph& graph,
                                        const std::vector<PlannedStage>& plans, const std::vector<std::string>& bases) {
  std::vector<PlannedInstruction> list;
  for (const Instruction& instruction : dockerfile.instructions) {
    if (instruction.keyword == Keyword::from) break;
    list.push_back({.text = with_keyword(instruction.original), .stage = {}, .kind = Kind::before_stages});
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!node.reachable || node.implicit) continue;
    list.push_back({.text = with_keyword(node.original), .stage = node.title, .kind = Kind::from, .base = bases[i]});
    add_steps(list, node, plans[i].plan);
  }
  return list;
}

}  // namespace consort::build

// What a build is going to do, instruction by instruction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "build/build.hpp"
#include "build/dockerfile/ast.hpp"
#include "build/plan/graph.hpp"
#include "build/plan/stage_plan.hpp"

namespace consort::build {

// bases: IDs of the base images, "" for nodes without one. `bases` and `plans` have one entry per graph node.
std::vector<PlannedInstruction> outline(const Dockerfile& dockerfile, const Graph& graph,
                                        const std::vector<PlannedStage>& plans, const std::vector<std::string>& bases);

}  // namespace consort::build

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

// bases: ids of the images that nodes begin with, "" for the others. As long as graph.nodes, as are the plans.
std::vector<PlannedInstruction> outline(const Dockerfile& dockerfile, const Graph& graph,
                                        const std::vector<PlannedStage>& plans, const std::vector<std::string>& bases);

}  // namespace consort::build

// Plans a stage: turns its instructions and its base's configuration into operations and a configuration. Pure.
#pragma once

#include <optional>
#include <vector>

#include "build/plan/graph.hpp"
#include "build/plan/operations.hpp"

namespace consort::build {

// What a stage passes on to the stages based on it, in addition to its configuration.
struct StageState {
  Variables environment;
  std::vector<ArgDefinition> args;  // ARGs so far, with expanded values
  bool workdir_set = false;
};

struct PlannedStage {
  StagePlan plan;
  StageState state;
};

// base: the base image's configuration (an empty one for scratch), or that of the parent stage, with its state.
// ignored: whether the context's ignore file excludes this path; may be empty.
using Ignored = std::function<bool(const std::string& path)>;
struct PlanInput {
  const Graph& graph;
  const BuildRequest& request;
  std::size_t node = 0;
  image::ImageConfig base;
  const PlannedStage* parent = nullptr;
  char escape = '\\';
  Ignored ignored{};
};
Result<PlannedStage> plan_stage(const PlanInput& input, Checks& checks);

}  // namespace consort::build

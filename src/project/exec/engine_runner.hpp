// Executes the operations of a plan on the engine.
#pragma once

#include <vector>

#include "base/once_each.hpp"
#include "project/exec/build_log.hpp"
#include "project/exec/executor.hpp"
#include "project/exec/image_build.hpp"
#include "project/exec/session.hpp"

namespace consort::project {

class EngineRunner final : public OperationRunner {
 public:
  EngineRunner(Session& session, const RunDetail& detail, const Plan& plan);
  Result<> run(const Operation& operation, const Cancellation& cancel) override;

 private:
  Result<> perform(const Operation& operation, const Cancellation& cancel);
  Result<> create(const Operation& operation, engine::ContainerSpec spec);
  Result<> start(const Operation& operation, const Cancellation& cancel);
  Result<> stop(const Operation& operation, const StopContainer& how, const Cancellation& cancel);
  Result<> remove_network(const Operation& operation);
  Result<> remove_image(const Operation& operation);
  Result<> pull(const Operation& operation, const Cancellation& cancel);
  Result<> build(const Operation& operation, const BuildImage& how, const Cancellation& cancel);
  Result<> pre_start(const Operation& operation, const RunPreStart& hook, const Cancellation& cancel);
  Result<> provide(const Operation& operation, const RunProvider& run, const Cancellation& cancel);
  Result<> prepare(const Operation& operation, const PrepareModel& wanted, const Cancellation& cancel);
  static Result<> unless_gone(Result<> removed);

  Session& session_;
  const RunDetail& detail_;
  BuildLog build_log_;
  std::vector<BuildGroup> build_groups_;  // of services that are always built
  OnceEach<bool> builds_;                 // by the first service of a group
  const bool starts_;                     // the plan starts containers
};

}  // namespace consort::project

// Operations of a plan, done by the engine.
#pragma once

#include <mutex>

#include "project/exec/build_log.hpp"
#include "project/exec/executor.hpp"
#include "project/exec/session.hpp"

namespace consort::project {

class EngineRunner final : public OperationRunner {
 public:
  EngineRunner(Session& session, const RunDetail& detail, BuildLog::Builds builds)
      : session_(session), detail_(detail), build_log_(session.progress, detail.build, builds) {}
  Result<> run(const Operation& operation, const Cancellation& cancel) override;

 private:
  Result<> perform(const Operation& operation, const Cancellation& cancel);
  Result<> create(const Operation& operation);
  Result<> start(const Operation& operation);
  Result<> stop(const Operation& operation);
  Result<> remove_network(const Operation& operation);
  Result<> remove_volume(const Operation& operation);
  Result<> remove_image(const Operation& operation);
  Result<> pull(const Operation& operation, const Cancellation& cancel);
  Result<> build(const Operation& operation, const Cancellation& cancel);
  Result<> hooks(const Operation& operation);
  Result<> unless_in_use(const Operation& operation, Result<> removed);

  Session& session_;
  const RunDetail& detail_;
  BuildLog build_log_;
};

}  // namespace consort::project

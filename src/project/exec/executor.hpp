// Executes a plan: operations whose needs are met run concurrently, up to a limit, and a failure prevents its
// dependents from running. It makes no other decisions.
#pragma once

#include "base/error.hpp"
#include "project/exec/cancellation.hpp"
#include "project/exec/progress.hpp"
#include "project/plan/plan.hpp"

namespace consort::project {

// The side effects. run() is called from several threads, once per operation that is not a checkpoint or keep.
class OperationRunner {
 public:
  virtual ~OperationRunner() = default;
  virtual Result<> run(const Operation& operation, const Cancellation& cancel) = 0;
};

struct ExecuteOptions {
  unsigned parallel = 16;              // operations at a time, not counting waits
  std::optional<int> limit_seconds{};  // then: "application not healthy after 2s"
  int interrupt_fd = -1;               // borrowed; readable if the user wants to stop; one byte is read from it
};

// Returns the first error (with the others as `also` if the plan continues after failures). Interrupted:
// Code::interrupted, after all running operations have ended.
Result<> execute(const Plan& plan, OperationRunner& runner, Progress& progress, const ExecuteOptions& options);

// For --dry-run: every operation succeeds, nothing happens.
class DryRunner final : public OperationRunner {
 public:
  Result<> run(const Operation&, const Cancellation&) override { return {}; }
};

}  // namespace consort::project

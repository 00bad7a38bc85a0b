// Carries out a plan: everything whose needs are met runs at once, up to a limit; a failure keeps its dependents from
// running. Decides nothing else.
#pragma once

#include "base/error.hpp"
#include "project/exec/cancellation.hpp"
#include "project/exec/progress.hpp"
#include "project/plan/plan.hpp"

namespace consort::project {

// The outside. run() is called from several threads, once for each operation that is not a checkpoint or keep.
class OperationRunner {
 public:
  virtual ~OperationRunner() = default;
  virtual Result<> run(const Operation& operation, const Cancellation& cancel) = 0;
};

struct ExecuteOptions {
  unsigned parallel = 16;              // operations at a time; waiting does not count
  std::optional<int> limit_seconds{};  // then: "application not healthy after 2s"
  int interrupt_fd = -1;               // borrowed; readable: the user wants to stop. One byte is taken from it
};

// The first error (with the others as `also` where the plan goes on after failures). Interrupted: Code::interrupted,
// after everything that was running has ended.
Result<> execute(const Plan& plan, OperationRunner& runner, Progress& progress, const ExecuteOptions& options);

// For --dry-run: every operation succeeds, nothing happens.
class DryRunner final : public OperationRunner {
 public:
  Result<> run(const Operation&, const Cancellation&) override { return {}; }
};

}  // namespace consort::project

// Sets up RUN --mount: binds directories, locks caches, writes secrets. The destructor undoes everything.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "build/exec/run_step.hpp"
#include "build/exec/ssh_agent.hpp"
#include "build/solve/stage_run.hpp"

namespace consort::build {

class RunMounts {
 public:
  static Result<RunMounts> prepare(Shared& shared, StageRuns& runs, const RunOperation& run,
                                   const std::string& directory);
  RunMounts(RunMounts&&) noexcept = default;
  RunMounts& operator=(RunMounts&&) = delete;
  ~RunMounts();

  std::vector<ReadyMount> mounts;
  std::vector<std::string> environment;

 private:
  RunMounts() = default;
  friend class MountMaker;
  std::vector<std::string> mounted_;  // unmounted in reverse order
  std::vector<std::string> secret_directories_;
  std::vector<Fd> locks_;
  std::vector<std::unique_ptr<SshRelay>> relays_;
};

}  // namespace consort::build

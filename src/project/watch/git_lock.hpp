// Detects whether git is changing files. It holds its index lock from before the first change until after the last,
// however slow the machine is.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace consort::project {

class GitLocks {
 public:
  // Locks of the repositories with these paths; worktrees and submodules have their index elsewhere.
  static GitLocks of(const std::vector<std::string>& paths);
  // A lock that is too old counts as left by a killed git.
  bool held() const;
  const std::vector<std::string>& files() const { return files_; }

  static constexpr std::chrono::seconds longest{30};

 private:
  std::vector<std::string> files_;
};

}  // namespace consort::project

// Whether git is in the middle of changing files. It holds its index's lock from before the first one until after the
// last, however slow the machine is.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace consort::project {

class GitLocks {
 public:
  // Of the repositories that these paths are in; worktrees and submodules have their index elsewhere.
  static GitLocks of(const std::vector<std::string>& paths);
  // A lock that has been there for long is what a git that was killed has left.
  bool held() const;
  const std::vector<std::string>& files() const { return files_; }

  static constexpr std::chrono::seconds longest{30};

 private:
  std::vector<std::string> files_;
};

}  // namespace consort::project

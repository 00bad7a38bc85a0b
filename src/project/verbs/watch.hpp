// watch, and up --watch: a project that follows its sources.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/os/trees/tree_watch.hpp"
#include "project/exec/session.hpp"
#include "project/watch/batch.hpp"
#include "project/watch/git_lock.hpp"
#include "project/watch/handler.hpp"
#include "project/watch/reactor.hpp"

namespace consort::project {

class Watching {
 public:
  // Reads the rules of the session's project, which must outlive it, as must the session and the options. Changes count
  // from here on, so this comes before the services are started. Errors are the user's: no rule, a rule that cannot be
  // followed, a limit of the kernel.
  static Result<std::unique_ptr<Watching>> create(Session& session, Rebuilds rebuilds, const ReactOptions& options);
  // Likewise, for containers that are somewhere else. The handler may keep the rules.
  using MakeHandler = std::function<std::unique_ptr<ChangeHandler>(const WatchRules& rules)>;
  static Result<std::unique_ptr<Watching>> create(const compose::Project& project, Rebuilds rebuilds,
                                                  const ReactOptions& options, const MakeHandler& make);

  // The first copies; then follows changes until stop_fd is readable, which takes nothing from it. What fails for one
  // group of changes is said and the next is waited for. The session's interrupt_fd ends a reaction: Code::interrupted.
  Result<> run(int stop_fd);

 private:
  explicit Watching(const ReactOptions& options) : options_(options) {}
  Result<bool> wait(int stop_fd);
  Result<> take_changes();
  std::vector<std::string> complete_changes();
  Result<> react_to(const std::vector<std::string>& changes);

  const ReactOptions& options_;
  WatchRules rules_;
  std::unique_ptr<ChangeHandler> handler_;
  std::unique_ptr<TreeWatch> tree_;
  ChangeBatch batch_;
  GitLocks git_;
  std::optional<ChangeBatch::Time> not_before_;  // git is at work: when to look again
};

}  // namespace consort::project

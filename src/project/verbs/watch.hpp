// `watch` and `up --watch`: keeps a project's containers up to date with their sources.
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
  // Reads the rules of the session's project; it, the session and the options must outlive the object. Changes count
  // from here on, so call it before the services are started. Errors concern the user: no rule, an impossible rule, a
  // limit of the kernel.
  static Result<std::unique_ptr<Watching>> create(Session& session, Rebuilds rebuilds, const ReactOptions& options);
  // The same for containers on another system. The handler may keep the rules.
  using MakeHandler = std::function<std::unique_ptr<ChangeHandler>(const WatchRules& rules)>;
  static Result<std::unique_ptr<Watching>> create(const compose::Project& project, Rebuilds rebuilds,
                                                  const ReactOptions& options, const MakeHandler& make);

  // Makes the initial copies, then follows changes until stop_fd is readable, from which it reads nothing. A failure
  // for one group of changes is reported, and the next is awaited. The session's interrupt_fd ends a reaction:
  // Code::interrupted.
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
  std::optional<ChangeBatch::Time> not_before_;  // git is at work: when to check again
};

}  // namespace consort::project

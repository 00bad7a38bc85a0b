// The actions of `watch` on a cluster: files are copied into the pods through exec, as a tar.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "kube/session.hpp"
#include "project/watch/handler.hpp"
#include "project/watch/reactor.hpp"

namespace consort::kube {

// The project as `watch` must see it. Nothing is mounted on the cluster, so source trees that are mounted locally are
// copied. A restarted container has its image's files again, so sync+restart becomes rebuild. Code::unsupported, with
// its line, for actions that are impossible there.
Result<compose::Project> project_to_watch(const compose::Project& project);

class PodReactor final : public project::ChangeHandler {
 public:
  // All references are borrowed. apply: builds, pushes and applies these services.
  using Apply = std::function<Result<>(const std::set<std::string>& services)>;
  PodReactor(Session& session, const project::WatchRules& rules, const project::ReactOptions& options, Apply apply)
      : session_(session), rules_(rules), options_(options), apply_(std::move(apply)) {}

  Result<> sync_initially(const std::set<std::string>& services) override;
  Result<> run(const project::Reaction& reaction) override;

 private:
  Result<> rebuild(const std::set<std::string>& services);
  Result<> sync(const std::string& service, const std::vector<project::SyncedPath>& paths);
  Result<> exec(const project::WatchRule& rule);

  Session& session_;
  const project::WatchRules& rules_;
  const project::ReactOptions& options_;
  Apply apply_;
};

}  // namespace consort::kube

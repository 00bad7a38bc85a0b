// The interface that performs reactions to changes, wherever the containers are, and code that all implementations
// share.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/files.hpp"
#include "project/watch/rules.hpp"

namespace consort::project {

class ChangeHandler {
 public:
  virtual ~ChangeHandler() = default;
  // Copies the files of rules with initial_sync into the existing containers.
  virtual Result<> sync_initially(const std::set<std::string>& services) = 0;
  // In the order rebuild, sync, restart, exec. Stops at the first error; Code::interrupted: the user wants to stop.
  virtual Result<> run(const Reaction& reaction) = 0;
};

// All files of the rule, for initial_sync.
std::vector<SyncedPath> files_of_rule(const WatchRule& rule);
// The files to copy, as one mirror per rule.
std::vector<engine::Mirror> mirrors_of(const std::vector<SyncedPath>& paths);
// ["a" "b"], as Docker Compose prints a list.
std::string listed_services(const std::set<std::string>& names);

}  // namespace consort::project

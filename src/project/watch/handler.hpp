// Who does what changes ask for, wherever the containers are, and what is the same for all of them.
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
  // The files of the rules with initial_sync, into what is there.
  virtual Result<> sync_initially(const std::set<std::string>& services) = 0;
  // In the order rebuild, sync, restart, exec. The first error ends it; Code::interrupted: the user wants to stop.
  virtual Result<> run(const Reaction& reaction) = 0;
};

// All that the rule is about, as initial_sync wants it.
std::vector<SyncedPath> files_of_rule(const WatchRule& rule);
// What is to be copied, a mirror for each rule.
std::vector<engine::Mirror> mirrors_of(const std::vector<SyncedPath>& paths);
// ["a" "b"], as Docker Compose prints a list.
std::string listed_services(const std::set<std::string>& names);

}  // namespace consort::project

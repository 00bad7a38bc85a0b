// The rules of `develop.watch`: which change concerns whom, and what is to be done about a group of changes. Pure,
// except for the ignore files that are read when the rules are made.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "compose/model.hpp"
#include "engine/ignore.hpp"

namespace consort::project {

enum class WatchAction : std::uint8_t { rebuild, sync, restart, sync_restart, sync_exec };
bool copies_files(WatchAction action);

// Patterns that count from a directory.
class PathFilter {
 public:
  PathFilter() = default;
  PathFilter(std::string base, engine::PatternList patterns) : base_(std::move(base)), patterns_(std::move(patterns)) {}
  bool empty() const { return patterns_.empty(); }
  bool matches(const std::string& path) const;
  bool matches_all_below(const std::string& folder) const;

 private:
  std::string base_;
  engine::PatternList patterns_;
};

struct WatchRule {
  std::string service;
  WatchAction action = WatchAction::sync;
  std::string path;      // of the host, clean, without links
  bool is_file = false;  // and no directory, when watching began
  std::string target{};  // in the container, clean
  compose::Hook exec{};
  bool initial_sync = false;
  bool mounted = false;              // the container sees the files themselves: nothing is copied
  PathFilter include{};              // empty: everything
  std::vector<PathFilter> ignore{};  // the rule's own, the build context's, and what editors leave for moments

  bool copies() const { return copies_files(action) && !mounted; }
  bool concerns(const std::string& path) const;
  bool skips(const std::string& folder) const;  // nothing in the directory concerns it
};

struct WatchRules {
  std::vector<WatchRule> rules;
  std::vector<std::string> warnings{};

  std::vector<std::string> roots() const;       // what is to be watched
  bool skips(const std::string& folder) const;  // nobody wants anything below it
};

enum class Rebuilds : std::uint8_t { allowed, refused };  // --no-build
// Code::invalid if none of the services has a rule, or one cannot be followed. Docker's words.
Result<WatchRules> watch_rules(const compose::Project& project, Rebuilds rebuilds);

// A file that is to be the same in the containers of a service.
struct SyncedPath {
  const WatchRule* rule;
  std::string path;  // of the host
};
struct Reaction {
  std::set<std::string> rebuild;
  std::map<std::string, std::vector<SyncedPath>> sync;  // by service; in the order of the changes
  std::set<std::string> restart;
  std::vector<const WatchRule*> exec;  // each once

  bool empty() const { return rebuild.empty() && sync.empty() && restart.empty(); }
};
// changes: absolute paths. The rules must outlive the reaction.
Reaction react(const WatchRules& rules, const std::vector<std::string>& changes);

}  // namespace consort::project

// The rules of `develop.watch`: which changes concern which service, and how to react to a group of changes. Pure,
// except that ignore files are read when the rules are created.
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

// Patterns relative to a directory.
class PathFilter {
 public:
  PathFilter() = default;
  PathFilter(std::string base, engine::PatternList patterns) : base_(std::move(base)), patterns_(std::move(patterns)) {}
  bool empty() const { return patterns_.empty(); }
  bool matches(const std::string& path) const;
  bool matches_all_below(const std::string& directory) const;

 private:
  std::string base_;
  engine::PatternList patterns_;
};

struct WatchRule {
  std::string service;
  WatchAction action = WatchAction::sync;
  std::string path;      // on the host, clean, without links
  bool is_file = false;  // it was a file, not a directory, when watching began
  std::string target{};  // in the container, clean
  compose::Hook exec{};
  bool initial_sync = false;
  bool mounted = false;              // the container sees the files themselves, so nothing is copied
  PathFilter include{};              // empty: everything
  std::vector<PathFilter> ignore{};  // the rule's own, the build context's, and temporary files of editors

  bool copies() const { return copies_files(action) && !mounted; }
  bool concerns(const std::string& path) const;
  bool skips(const std::string& directory) const;  // nothing in the directory concerns it
};

struct WatchRules {
  std::vector<WatchRule> rules;
  std::vector<std::string> warnings{};

  std::vector<std::string> roots() const;          // paths to watch
  bool skips(const std::string& directory) const;  // no rule concerns anything below it
};

enum class Rebuilds : std::uint8_t { allowed, refused };  // --no-build
// Code::invalid, with Docker's text, if no service has a rule or a rule is impossible.
Result<WatchRules> watch_rules(const compose::Project& project, Rebuilds rebuilds);

// A file to keep the same in the containers of a service.
struct SyncedPath {
  const WatchRule* rule;
  std::string path;  // on the host
};
struct Reaction {
  std::set<std::string> rebuild;
  std::map<std::string, std::vector<SyncedPath>> sync;  // by service, in the order of the changes
  std::set<std::string> restart;
  std::vector<const WatchRule*> exec;  // without duplicates

  bool empty() const { return rebuild.empty() && sync.empty() && restart.empty(); }
};
// changes: absolute paths. The rules must outlive the reaction.
Reaction react(const WatchRules& rules, const std::vector<std::string>& changes);

}  // namespace consort::project

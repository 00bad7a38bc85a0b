// Reacts to changes on this machine: copies files, builds images, recreates and restarts containers, and runs commands.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "project/exec/session.hpp"
#include "project/watch/handler.hpp"
#include "project/watch/rules.hpp"

namespace consort::project {

enum class Superseded : std::uint8_t { keep, remove };  // images whose name a rebuild has taken

struct ReactOptions {
  Superseded superseded = Superseded::remove;
  RunDetail detail{};
  std::function<void(const std::string& line)> say;         // one line, with Docker's text
  std::function<void(const std::string& message)> warn;     // failures
  std::function<void(const std::string& message)> debug{};  // for --verbose
  // Called before and after a reaction, during which containers end and start.
  enum class Busy : std::uint8_t { no, yes };
  std::function<void(Busy)> busy{};
  // Output of the programs of sync+exec as it arrives.
  std::function<void(std::string_view text)> out, err;
};

class Reactor final : public ChangeHandler {
 public:
  // All references are borrowed. Only builds report to the session's progress.
  Reactor(Session& session, const WatchRules& rules, const ReactOptions& options)
      : session_(session), rules_(rules), options_(options) {}

  Result<> sync_initially(const std::set<std::string>& services) override;
  Result<> run(const Reaction& reaction) override;

 private:
  Result<> rebuild(const std::set<std::string>& services);
  Result<> recreate(const std::set<std::string>& services);
  Result<> remove_superseded(const std::set<std::string>& images);
  Result<> sync(const std::string& service, const std::vector<SyncedPath>& paths);
  Result<> restart(const std::set<std::string>& services);
  Result<> exec(const WatchRule& rule);
  Result<engine::ProjectLock> lock_project();
  Result<std::vector<engine::Container>> containers_of(const std::string& service);

  Session& session_;
  const WatchRules& rules_;
  const ReactOptions& options_;
};

}  // namespace consort::project

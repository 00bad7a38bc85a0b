// What is done about changes: files copied, images built, containers recreated, restarted and told.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "project/exec/session.hpp"
#include "project/watch/handler.hpp"
#include "project/watch/rules.hpp"

namespace consort::project {

enum class Superseded : std::uint8_t { keep, remove };  // images that a rebuild has taken the name from

struct ReactOptions {
  Superseded superseded = Superseded::remove;
  RunDetail detail{};
  std::function<void(const std::string& line)> say;         // one line of Docker's words
  std::function<void(const std::string& message)> warn;     // what did not work
  std::function<void(const std::string& message)> debug{};  // for --verbose
  // Before something is done, and after it: containers end and start meanwhile.
  enum class Busy : std::uint8_t { no, yes };
  std::function<void(Busy)> busy{};
  // What the programs of sync+exec write, as it comes.
  std::function<void(std::string_view text)> out, err;
};

class Reactor final : public ChangeHandler {
 public:
  // All are borrowed. The session's progress is told of builds and of nothing else.
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

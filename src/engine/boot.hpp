// What is started again after a reboot, and how everything stops at a shutdown.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/roots.hpp"

namespace consort::engine {

class Boot {
 public:
  // An engine of these roots must be open.
  static Result<Boot> open(const Roots& roots);
  Boot(Boot&&) noexcept;
  Boot& operator=(Boot&&) noexcept;
  ~Boot();

  // Called for each container that cannot be inspected; the others are returned anyway.
  using OnTrouble = std::function<void(const Error&)>;

  // Ids by project: `restart: always`, and `unless-stopped` that nobody has stopped; each has been started before.
  Result<std::map<std::string, std::set<std::string>>> to_bring_back(const OnTrouble& tell);

  // Ids of --rm containers that were to run when the machine went down: nobody saw them end, and their state is not
  // kept. Excludes those that somebody holds, who has started them since the boot.
  Result<std::vector<std::string>> to_remove(const OnTrouble& tell);

 private:
  struct Impl;
  explicit Boot(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Stops all running containers of a project for a shutdown, dependents before their dependencies. It does not count as
// a stop by hand: to_bring_back() returns the same as before. Returns when the project's supervisor has ended. May be
// called for several projects at once.
Result<> shut_down_project(const Roots& roots, const std::string& project);

}  // namespace consort::engine

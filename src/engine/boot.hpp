// Which containers start again after a reboot, and how a project stops at shutdown.
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
  // An engine with the same roots must be open.
  static Result<Boot> open(const Roots& roots);
  Boot(Boot&&) noexcept;
  Boot& operator=(Boot&&) noexcept;
  ~Boot();

  // Called for each container that cannot be inspected; the others are returned anyway.
  using OnTrouble = std::function<void(const Error&)>;

  // IDs by project: containers with `restart: always`, or `unless-stopped` that nobody has stopped. Each has been
  // started before.
  Result<std::map<std::string, std::set<std::string>>> to_bring_back(const OnTrouble& tell);

  // IDs of --rm containers that were supposed to be running when the machine went down: nobody saw them end, and their
  // state is not kept. Excludes those that another process holds because it has started them since the boot.
  Result<std::vector<std::string>> to_remove(const OnTrouble& tell);

 private:
  struct Impl;
  explicit Boot(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Stops all running containers of a project for a shutdown, dependents before their dependencies. This does not count
// as a manual stop: to_bring_back() returns the same as before. Returns when the project's supervisor has ended. May be
// called for several projects at once.
Result<> shut_down_project(const Roots& roots, const std::string& project);

}  // namespace consort::engine

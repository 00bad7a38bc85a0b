// What is to run again after the machine was started anew, and how everything ends when it goes down.
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

  // Told of each container that cannot be looked at; the others are given all the same.
  using OnTrouble = std::function<void(const Error&)>;

  // Ids by project: `restart: always`, and `unless-stopped` that nobody has stopped; each has been started before.
  Result<std::map<std::string, std::set<std::string>>> to_bring_back(const OnTrouble& tell);

  // Ids of those that go when they end (--rm), and were to run when the machine ended: nobody has seen them end, and no
  // state of theirs is kept. Not one that somebody holds, who has started it in this boot.
  Result<std::vector<std::string>> to_remove(const OnTrouble& tell);

 private:
  struct Impl;
  explicit Boot(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Stops all that runs of one project, dependents before what they depend on, because the machine goes down and not
// because somebody wanted it: what is to be brought back stays the same. Returns when its supervisor has ended. May be
// called for several projects at once.
Result<> end_project(const Roots& roots, const std::string& project);

}  // namespace consort::engine

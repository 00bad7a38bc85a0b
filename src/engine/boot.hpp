// What is to run again after the machine was started anew, and what is to be remembered when it goes down.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/roots.hpp"

namespace consort::engine {

class Boot {
 public:
  // An engine of these roots must be open.
  static Result<Boot> open(const Roots& roots);
  Boot(Boot&&) noexcept;
  Boot& operator=(Boot&&) noexcept;
  ~Boot();

  // Ids by project: `restart: always`, and `unless-stopped` that nobody has stopped; each has been started before.
  Result<std::map<std::string, std::set<std::string>>> to_bring_back();
  // They were stopped because the machine goes down, not because somebody wanted them to be.
  Result<> remember(const std::set<std::string>& ids);

 private:
  struct Impl;
  explicit Boot(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace consort::engine

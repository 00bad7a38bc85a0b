// Resolves a path below the root of an image or a build context component by component, as the kernel does under
// RESOLVE_IN_ROOT, for callers that must examine each component: ".." stays inside, an absolute link starts at the
// root.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort {

class PathWalk {
 public:
  explicit PathWalk(std::string path);

  // Moves to the next component; false at the end of the path.
  bool next();
  bool at_last() const { return todo_.empty(); }

  std::string here() const;    // relative to the root, with links already resolved; "" is the root
  std::string whole() const;   // here() and the rest of the path
  std::string parent() const;  // of here(); only after next()
  const std::string& name() const { return done_.back(); }  // last component of here(); only after next()

  // here() is a link with this target: the walk continues there. ELOOP after too many links.
  Result<> follow(std::string_view target);

 private:
  void put_first(std::string_view path);

  std::string path_;  // for messages
  std::deque<std::string> todo_;
  std::vector<std::string> done_;
  int links_ = 0;
};

}  // namespace consort

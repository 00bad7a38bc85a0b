#include "base/path_walk.hpp"

#include <cerrno>
#include <span>
#include <utility>

#include "base/strings.hpp"

namespace consort {

namespace {

constexpr int link_limit = 40;  // the kernel's limit

}  // namespace

PathWalk::PathWalk(std::string path) : path_(std::move(path)) {
  put_first(path_);
}

// Drops empty parts and ".", so that the remainder is empty exactly at the last component.
void PathWalk::put_first(std::string_view path) {
  std::vector<std::string> parts = split(path, '/');
  std::erase_if(parts, [](const std::string& part) { return part.empty() || part == "."; });
  todo_.insert(todo_.begin(), std::make_move_iterator(parts.begin()), std::make_move_iterator(parts.end()));
}

bool PathWalk::next() {
  while (!todo_.empty()) {
    std::string part = std::move(todo_.front());
    todo_.pop_front();
    if (part != "..") {
      done_.push_back(std::move(part));
      return true;
    }
    if (!done_.empty()) done_.pop_back();
  }
  return false;
}

std::string PathWalk::here() const {
  return join(done_, "/");
}

std::string PathWalk::whole() const {
  std::string path = here();
  for (const auto& part : todo_) path += (path.empty() ? "" : "/") + part;
  return path;
}

std::string PathWalk::parent() const {
  return join(std::span(done_).first(done_.size() - 1), "/");
}

Result<> PathWalk::follow(std::string_view target) {
  if (++links_ > link_limit) return fail_errno(ELOOP, "resolve", path_);
  done_.pop_back();
  if (target.starts_with('/')) done_.clear();
  put_first(target);
  return {};
}

}  // namespace consort

// A budget shared by several users, none of whom can exhaust it for the others.
#pragma once

#include <cstddef>
#include <map>

namespace consort {

// Each user may hold at most as many units as are left: one alone gets half of all, a second one half of the rest. So
// there is always something left for a later user, and nothing is ever revoked.
template <typename User>
class FairShare {
 public:
  explicit FairShare(std::size_t total) : total_(total) {}

  // False: this user has its full share.
  bool take(const User& user) {
    const auto found = held_.find(user);
    const std::size_t has = found == held_.end() ? 0 : found->second;
    if (has >= total_ - taken_) return false;
    ++held_[user];
    ++taken_;
    return true;
  }
  void give_back(const User& user) {
    const auto found = held_.find(user);
    if (found == held_.end()) return;
    --taken_;
    if (--found->second == 0) held_.erase(found);
  }

 private:
  std::size_t total_;
  std::size_t taken_ = 0;
  std::map<User, std::size_t> held_;
};

}  // namespace consort

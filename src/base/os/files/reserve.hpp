// A full disk: how much is left, and a little that is kept back for the commands that make room. To remove something
// takes room itself: for a transaction, for the files that say how a container ended.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace consort {

// What is short where there is less than a command needs to get anything done: 1 MiB and 64 inodes.
enum class Shortage : std::uint8_t { none, blocks, inodes };
// Tries it in this directory instead of believing a number: ext4 counts blocks as free that it gives to nobody, and a
// quota is in no such number.
Shortage find_shortage(const std::string& folder);
// Fails if there is one ("the disk of X is full"), with the advice below. Before anything is stopped or made.
Result<> check_room(const std::string& data_root);
// For an error with ENOSPC or EDQUOT: what is full and how to make room. "" for others, and where that is no disk.
std::string advice_on_full_disk(const Error& error, const std::string& data_root);

// data/reserve: blocks and inodes.
class Reserve {
 public:
  explicit Reserve(const std::string& data_root) : data_(data_root), folder_(data_root + "/reserve") {}

  // For the commands that make room, before they do anything, also look whose root it is: gives it up if the
  // disk is full and it is_ours().
  void give_up_if_full() const;
  // For all others, once the root has been found to be ours (Roots::prepare()): makes it if it is not there and there
  // is plenty. One look where it is there; that it cannot be made is nobody's failure.
  void keep() const;
  // Whether the directory of that name was made by this, to its end or not, and holds nothing else.
  bool is_ours() const;

 private:
  std::string data_;
  std::string folder_;
};

}  // namespace consort

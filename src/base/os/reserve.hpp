// A full disk: how much is left, and a little that is kept back for the commands that make room. To remove something
// takes room itself: for a transaction, for the files that say how a container ended.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace consort {

struct FreeRoom {
  std::uint64_t bytes;   // for us: with what the file system keeps for root, if we are that
  std::uint64_t inodes;  // a file system without a fixed number of them says very many
};
Result<FreeRoom> free_room(const std::string& path);
// Less than a command needs to get anything done.
bool is_full(const FreeRoom& room);

// data/reserve: blocks and inodes.
class Reserve {
 public:
  explicit Reserve(const std::string& data_root) : data_(data_root), folder_(data_root + "/reserve") {}

  // For the commands that make room, before they do anything: gives it up if the disk is full.
  void give_up_if_full() const;
  // For all others: makes it if it is not there and there is plenty. One look where it is there; that it cannot be made
  // is nobody's failure.
  void keep() const;

 private:
  std::string data_;
  std::string folder_;
};

}  // namespace consort

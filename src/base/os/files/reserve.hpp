// Detects a full disk, and keeps a small reserve for the commands that free space: removing something needs space too,
// for a transaction and for the files that record how a container ended.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace consort {

// What is short if less is left than a command needs to get anything done: 1 MiB and 64 inodes.
enum class Shortage : std::uint8_t { none, blocks, inodes };
// Tries to allocate in this directory instead of trusting statistics: ext4 counts reserved blocks as free, and
// statistics ignore quotas.
Shortage find_shortage(const std::string& directory);
// Fails if there is a shortage ("the disk of X is full"), with the advice below. Call it before stopping or creating
// anything.
Result<> check_room(const std::string& data_root);
// For an error with ENOSPC or EDQUOT: what is full and how to free space. "" for other errors, or if it is not a disk.
std::string advice_on_full_disk(const Error& error, const std::string& data_root);

// The reserved blocks and inodes, in DATA/reserve.
class Reserve {
 public:
  explicit Reserve(const std::string& data_root) : data_(data_root), directory_(data_root + "/reserve") {}

  // For the commands that free space. They call this before anything else, even before checking who owns the root:
  // releases the reserve if the disk is full and is_ours().
  void give_up_if_full() const;
  // For all other commands, after Roots::prepare() has found the root to be ours: creates the reserve if it is missing
  // and there is plenty of space. One check if it exists; failing to create it is not an error.
  void keep() const;
  // Whether the reserve directory was created by this class, completely or not, and contains nothing else.
  bool is_ours() const;

 private:
  std::string data_;
  std::string directory_;
};

}  // namespace consort

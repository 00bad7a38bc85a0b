// Lists directories and walks directory trees. Containers and images determine how deep directories are nested, so no
// walk may recurse or hold a descriptor for each level.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/os/fd.hpp"

namespace consort {

// The names in a directory in the file system's order, without "." and "..". Code::not_found if it does not exist.
Result<std::vector<std::string>> list_directory(int directory);
Result<std::vector<std::string>> list_directory(const std::string& path);

// A position in a tree: moves down and up with a single descriptor, and never through links.
class DirectoryCursor {
 public:
  enum class Mounts : std::uint8_t {
    enter,   // whatever is mounted below belongs to the tree
    refuse,  // EXDEV, also for a bind mount of the same file system
  };
  static Result<DirectoryCursor> at(Fd root, Mounts mounts);

  int fd() const { return fd_.get(); }  // of the current directory; changes with each move
  std::size_t depth() const { return above_.size(); }
  Result<> enter(const std::string& name);
  // Code::conflict if the directory was moved in the meantime: the cursor is then unusable.
  Result<> leave();

 private:
  struct Identity {
    dev_t device;
    ino_t inode;
    bool operator==(const Identity&) const = default;
  };
  DirectoryCursor(Fd root, Mounts mounts, Identity here) : fd_(std::move(root)), mounts_(mounts), here_(here) {}
  static Result<Identity> identity_of(int fd);

  Fd fd_;
  Mounts mounts_;
  Identity here_;
  std::vector<Identity> above_;
};

// Bytes that a tree occupies on its file system; a file with several hard links counts once. Unreadable entries count
// as 0: the result is only for display.
std::uint64_t tree_bytes(const std::string& path);

}  // namespace consort

// Listing directories, and walking trees of them. How deep directories are nested is decided by containers and images,
// so no walk may recurse or hold a descriptor for each level.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/os/fd.hpp"

namespace consort {

// The names in a directory in the order of the file system, without "." and "..". Code::not_found if it is not there.
Result<std::vector<std::string>> list_folder(int folder);
Result<std::vector<std::string>> list_folder(const std::string& path);

// A place in a tree: goes down and comes back up with one descriptor, and never through links.
class FolderCursor {
 public:
  enum class Mounts : std::uint8_t {
    enter,   // what is mounted below belongs to the tree
    refuse,  // EXDEV, for a bind mount of the same file system as well
  };
  static Result<FolderCursor> at(Fd root, Mounts mounts);

  int fd() const { return fd_.get(); }  // of the directory where we are; changes with each step
  std::size_t depth() const { return above_.size(); }
  Result<> enter(const std::string& name);
  // Code::conflict if somebody moved the directory away meanwhile: then the cursor is lost.
  Result<> leave();

 private:
  struct Identity {
    dev_t device;
    ino_t inode;
    bool operator==(const Identity&) const = default;
  };
  FolderCursor(Fd root, Mounts mounts, Identity here) : fd_(std::move(root)), mounts_(mounts), here_(here) {}
  static Result<Identity> identity_of(int fd);

  Fd fd_;
  Mounts mounts_;
  Identity here_;
  std::vector<Identity> above_;
};

// Bytes that a tree takes up on its file system; a file with several names counts once. What cannot be read counts
// nothing: this is for telling people how much there is.
std::uint64_t tree_bytes(const std::string& path);

}  // namespace consort

// Taking trees away so that no crash leaves a part of one under its name, and work in progress that is found when its
// maker has died.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/os/fd.hpp"

namespace consort {

// PARENT/.trash: what is in there is gone, however much of it is left. Each directory of directories has its own
// (volumes, containers, layers), because any of them may be a disk of its own.
class Trash {
 public:
  explicit Trash(const std::string& parent) : folder_(parent + "/.trash") {}

  // Done early, where parent is made: a full disk has no room for a directory.
  Result<> prepare() const;
  // In this order: a new name in the trash, synced, so that after a crash it is there whole or not at all; then
  // everything in it is deleted. Not there is success. After a failure in between, sweep() goes on with it.
  // Sync::no is for what is removed after a power cut as well, whatever of it came back under its old name: that spares
  // the wait for the disk.
  enum class Sync : std::uint8_t { yes, no };
  Result<> remove(const std::string& path, Sync sync = Sync::yes) const;

  // The same in two steps, for those who hold a lock that should not last as long as a deletion.
  struct Item {
    std::string path;
    Fd lock;  // by flock: nobody sweeps what somebody deletes
  };
  Result<Item> take(const std::string& path, Sync sync = Sync::yes) const;  // without a path: there was nothing
  Result<> remove(Item item) const;

  // Deletes what others left when they died. Without a look at how much it is: one listing where there is nothing.
  Result<> sweep() const;
  bool is_empty() const;

  // .trash/aside/NAME: what is to come back if its removal is not to be (see volume/volume.hpp). Never swept from here.
  std::string aside(const std::string& name) const { return folder_ + "/aside/" + name; }
  std::vector<std::string> set_aside() const;  // names
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
};

// Moves a directory to another place of the same file system, whatever stands in the way of that (chattr +i), and syncs
// both sides. The target must not exist.
Result<> move_folder(const std::string& from, const std::string& to);

// A directory for work in progress. Removed by the destructor; its lock says that its maker lives.
class ScratchFolder {
 public:
  // parent/PREFIX-RANDOM, mode 0700.
  static Result<ScratchFolder> create(const std::string& parent, const std::string& prefix);
  // Those whose makers are gone; names.
  static std::vector<std::string> abandoned(const std::string& parent, const std::string& prefix);
  // Removes them. Gives how many there were.
  static Result<std::size_t> sweep(const std::string& parent, const std::string& prefix);

  ScratchFolder() = default;
  ScratchFolder(ScratchFolder&& other) noexcept
      : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}
  ScratchFolder& operator=(ScratchFolder&& other) noexcept;
  ~ScratchFolder();

  const std::string& path() const { return path_; }

 private:
  ScratchFolder(std::string path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  Fd lock_;
};

}  // namespace consort

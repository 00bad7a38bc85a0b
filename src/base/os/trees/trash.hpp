// Removing trees so that no crash leaves a part of one under its name; and directories for work in progress, which are
// found if their creator has died.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/os/fd.hpp"

namespace consort {

// PARENT/.trash: its content counts as removed, however much is left. Each parent directory has its own (volumes,
// containers, layers), because any of them may be a separate file system.
class Trash {
 public:
  explicit Trash(const std::string& parent) : folder_(parent + "/.trash") {}

  // Called early, when the parent is created: a full disk has no room for a directory.
  Result<> prepare() const;
  // In this order: a new name in the trash, synced, so that after a crash it is there whole or not at all; then
  // everything in it is deleted. A missing tree is success. After a failure in between, sweep() continues the deletion.
  // Sync::no is for trees that are removed after a power loss anyway if they reappear under their old name: it saves
  // waiting for the disk.
  enum class Sync : std::uint8_t { yes, no };
  Result<> remove(const std::string& path, Sync sync = Sync::yes) const;

  // The same in two steps, for callers that hold a lock which should not be held during the deletion.
  struct Item {
    std::string path;
    Fd lock;  // by flock: keeps sweep() away from a tree that is being deleted
  };
  Result<Item> take(const std::string& path, Sync sync = Sync::yes) const;  // without a path: there was nothing
  Result<> remove(Item item) const;

  // Deletes the leftovers of killed processes. Costs one listing of a directory if there are none.
  Result<> sweep() const;
  bool is_empty() const;

  // .trash/aside/NAME: trees that are restored if their removal isn't committed (see volume/volume.hpp). sweep() leaves
  // them alone.
  std::string aside(const std::string& name) const { return folder_ + "/aside/" + name; }
  std::vector<std::string> set_aside() const;  // names
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
};

// Moves a directory to another place of the same file system, even if attributes prevent that (chattr +i), and syncs
// both sides. The target must not exist.
Result<> move_folder(const std::string& from, const std::string& to);

// A directory for work in progress. Removed by the destructor; its lock shows that its creator is alive.
class ScratchFolder {
 public:
  // parent/PREFIX-RANDOM, mode 0700.
  static Result<ScratchFolder> create(const std::string& parent, const std::string& prefix);
  // Names of those whose creators are gone.
  static std::vector<std::string> abandoned(const std::string& parent, const std::string& prefix);
  // Removes them; returns their number.
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

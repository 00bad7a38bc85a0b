// Removes trees so that a crash never leaves part of one under its name, and provides directories for work in progress
// that are found if their creator has died.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/os/fd.hpp"

namespace consort {

// PARENT/.trash: everything in it counts as removed, however much is left. Each parent directory (volumes, containers,
// layers) has its own because each may be a separate file system.
class Trash {
 public:
  explicit Trash(const std::string& parent) : directory_(parent + "/.trash") {}

  // Called early, when the parent is created: once the disk is full, there is no space for a directory.
  Result<> prepare() const;
  // First renames the tree into the trash and syncs, so that after a crash it exists completely or not at all; then
  // deletes everything in it. A missing tree is success. If this fails midway, sweep() continues the deletion. Sync::no
  // is for trees that would be removed anyway if they reappear under their old name after a power failure: it saves
  // waiting for the disk.
  enum class Sync : std::uint8_t { yes, no };
  Result<> remove(const std::string& path, Sync sync = Sync::yes) const;

  // The same in two steps, for callers that hold a lock that should not be held during the deletion.
  struct Item {
    std::string path;
    Fd lock;  // flock: keeps sweep() away from a tree that is being deleted
  };
  Result<Item> take(const std::string& path, Sync sync = Sync::yes) const;  // empty path: there was nothing to remove
  Result<> remove(Item item) const;

  // Deletes leftovers of killed processes. If there are none, it costs one directory listing.
  Result<> sweep() const;
  bool is_empty() const;

  // .trash/aside/NAME: trees that are restored if their removal is not committed (see volume/volume.hpp). sweep()
  // leaves them alone.
  std::string aside(const std::string& name) const { return directory_ + "/aside/" + name; }
  std::vector<std::string> set_aside() const;  // names
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
};

// Moves a directory within the same file system, even if its attributes prevent that (chattr +i), and syncs both parent
// directories. The target must not exist.
Result<> move_directory(const std::string& from, const std::string& to);

// A directory for work in progress. The destructor removes it; its lock shows that its creator is alive.
class ScratchDirectory {
 public:
  // parent/PREFIX-RANDOM, mode 0700.
  static Result<ScratchDirectory> create(const std::string& parent, const std::string& prefix);
  // Names of the directories whose creators are gone.
  static std::vector<std::string> abandoned(const std::string& parent, const std::string& prefix);
  // Removes those; returns their number.
  static Result<std::size_t> sweep(const std::string& parent, const std::string& prefix);

  ScratchDirectory() = default;
  ScratchDirectory(ScratchDirectory&& other) noexcept
      : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}
  ScratchDirectory& operator=(ScratchDirectory&& other) noexcept;
  ~ScratchDirectory();

  const std::string& path() const { return path_; }

 private:
  ScratchDirectory(std::string path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  Fd lock_;
};

}  // namespace consort

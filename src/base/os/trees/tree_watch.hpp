// Watches trees of files for changes, by inotify. For use by one thread.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/os/fd.hpp"

namespace consort {

struct TreeChange {
  enum class Kind : std::uint8_t {
    settled,  // it may be read now in its current state (or is gone)
    writing,  // it is open and being written; `settled` follows when it is closed
  };
  std::string path;  // absolute, below or equal to one of the roots
  Kind kind = Kind::settled;
};

struct TreeWatchOptions {
  // Absolute, normalized paths without symbolic links: directories with everything below, or single files. A root that
  // does not exist (any more) is awaited.
  std::vector<std::string> roots;
  // Directories below a root that are to be skipped. Empty: none.
  std::function<bool(const std::string& directory)> skip{};
  // Called for a directory that cannot be read and therefore is not watched. May be empty.
  std::function<void(const std::string& directory, const Error& why)> unreadable{};
};

// Symbolic links are entries like any other and are not followed. If the kernel drops events (its queue is bounded),
// the trees are read again and compared with their previous state, so that no change is missed.
class TreeWatch {
 public:
  // Existing files count as known. Code::unsupported if a kernel limit is too low: the error contains the limit, its
  // value, and the command that raises it.
  static Result<TreeWatch> create(TreeWatchOptions options);

  int fd() const { return inotify_.get(); }  // readable when take() has something to return
  // Changes since the last call; a path may occur several times. Never blocks.
  Result<std::vector<TreeChange>> take();
  // Reads all trees again, as take() does after a queue overflow.
  Result<std::vector<TreeChange>> rescan();
  std::size_t directory_count() const { return directories_.size(); }

 private:
  struct Stamp {
    ino_t inode = 0;
    mode_t mode = 0;
    off_t size = 0;
    std::int64_t modified = 0, changed = 0;  // nanoseconds
    bool operator==(const Stamp&) const = default;
    static Stamp of(const struct stat& st);
  };
  struct Directory {
    int watch = -1;
    std::map<std::string, Stamp> entries;  // empty outside the roots
  };
  enum class Tell : std::uint8_t { no, yes };

  TreeWatch(Fd inotify, TreeWatchOptions options) : inotify_(std::move(inotify)), options_(std::move(options)) {}

  bool inside(const std::string& path) const;         // below a root, or a root itself
  bool leads_to_root(const std::string& path) const;  // above a root
  bool is_root(const std::string& path) const;
  Result<> establish(const std::string& root, Tell tell);
  Result<> watch_above(const std::string& root);
  Result<bool> add(const std::string& directory);  // false: it does not exist or cannot be watched
  Result<> scan(const std::string& top, Tell tell);
  Result<> list(const std::string& directory, Tell tell, std::vector<std::string>& below);
  Result<> compare(const std::string& directory);
  void forget(const std::string& top);
  Result<> handle(const std::string& directory, const std::string& name, std::uint32_t mask);
  Result<> lost(const std::string& directory);
  Result<> entry_changed(const std::string& path, std::uint32_t mask);
  void tell(const std::string& path, TreeChange::Kind kind = TreeChange::Kind::settled);

  Fd inotify_;
  TreeWatchOptions options_;
  std::map<std::string, Directory> directories_;  // sorted by path, so that everything below a directory follows it
  std::unordered_map<int, std::string> by_watch_;
  std::vector<TreeChange> told_;
};

}  // namespace consort

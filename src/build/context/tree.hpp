// The files that a COPY can see: those below a root directory that no ignore file excludes, with their digests. The
// root is the context or a stage's merged file system.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "build/context/pattern.hpp"

namespace consort::build {

using FileHash = std::array<unsigned char, 32>;

struct FileEntry {
  std::string path;        // relative to the start of the walk; parents before children, names in byte order
  std::uint32_t mode = 0;  // including the file type
  std::uint32_t uid = 0, gid = 0;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0, ctime_ns = 0;
  std::uint64_t device = 0, inode = 0, special = 0;  // special: device number of a device node
  std::uint32_t links = 1;
  std::string target;  // of symbolic links
  bool hashed = false;
  FileHash hash{};  // for regular files: content and extended attributes
};

// Compares paths name by name, so that "a/b" comes before "a.b".
bool path_less(std::string_view a, std::string_view b);

// Digests of files seen before, identified by path, inode, size and times. One index file per root directory, in the
// data root; damaged or doubtful entries are dropped. Not thread-safe.
class FileIndex {
 public:
  static FileIndex load(const std::string& file);
  Result<> save(const std::string& file) const;
  // Fills in the hashes that are still valid. entries: sorted, as returned by walk() for `start`.
  void apply(const std::string& start, std::vector<FileEntry>& entries) const;
  // Replaces everything known below start with these entries. since: when the hashing began; files changed at about
  // that time are not recorded because another change might not alter their timestamps.
  void learn(const std::string& start, const std::vector<FileEntry>& entries, std::int64_t since_ns);
  bool changed() const { return changed_; }

 private:
  struct Known {
    std::string path;  // relative to the root
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t mtime_ns = 0, ctime_ns = 0;
    FileHash hash{};
  };
  std::vector<Known> known_;  // sorted
  bool changed_ = false;
};

struct WalkFilter {
  const PatternList* exclude = nullptr;  // matched against the path below the start of the walk; matches are skipped
  const PatternList* include = nullptr;  // likewise; all else is skipped, but parent directories of matches are kept
};

class SourceTree {
 public:
  // A directory; index_file may be empty (digests are then not stored).
  static Result<SourceTree> open(const std::string& directory, PatternList ignore, std::string index_file);
  static SourceTree of(Fd root, std::string name);  // a mounted stage
  SourceTree(SourceTree&&) noexcept;
  SourceTree& operator=(SourceTree&&) noexcept;
  ~SourceTree();

  int root() const { return root_.get(); }
  const PatternList& ignore() const { return ignore_; }
  const std::string& name() const { return name_; }

  // Resolves links inside the root as if it were "/". Returns the real path, "" for the root. Code::not_found if the
  // path does not exist or is ignored.
  Result<std::string> resolve(const std::string& path) const;
  // The names that a pattern with wildcards matches, as sorted real paths. An error if the directories before the first
  // wildcard do not exist.
  Result<std::vector<std::string>> glob(const std::string& pattern) const;
  // The error of lstat(2) in BuildKit's words for a path that does not exist; links in its parents are followed.
  Error lstat_error(const std::string& path) const;
  // The entry itself first (path ""), then everything below it. Not hashed.
  Result<std::vector<FileEntry>> walk(const std::string& path, const WalkFilter& filter) const;
  // Hashes all regular files among the entries of walk(start) that have no hash yet; uses several threads.
  Result<> hash(const std::string& start, std::vector<FileEntry>& entries) const;
  Result<> save_index() const;

 private:
  SourceTree();
  bool ignored_with_all_below(const std::string& path) const;
  Result<bool> is_visible(const std::string& path) const;
  Result<std::vector<std::string>> names_in(const std::string& directory, const std::string& name_pattern,
                                            const std::string& pattern) const;  // pattern: for error messages
  struct Memory;
  Fd root_;
  std::string name_;
  PatternList ignore_;
  std::string index_file_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace consort::build

// What a COPY can see: the files below a root directory, less what an ignore file leaves out, with their digests. The
// root is the context, or a stage's merged file system.
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
  std::string path;        // relative to the walk's start; parents stand before children, names in byte order
  std::uint32_t mode = 0;  // with the type
  std::uint32_t uid = 0, gid = 0;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0, ctime_ns = 0;
  std::uint64_t device = 0, inode = 0, special = 0;  // special: of device nodes
  std::uint32_t links = 1;
  std::string target;  // of symbolic links
  bool hashed = false;
  FileHash hash{};  // regular files: content and extended attributes
};

// Paths compared name by name, so that "a/b" comes before "a.b".
bool path_less(std::string_view a, std::string_view b);

// Digests of files that were seen before, by path, inode, size and times. One file per root directory, in the data
// root; what is damaged or in doubt is forgotten. Not safe to share between threads without a lock.
class FileIndex {
 public:
  static FileIndex load(const std::string& file);
  Result<> save(const std::string& file) const;
  // Fills in the hashes that are still valid. entries: sorted, as walk() gives them for `start`.
  void apply(const std::string& start, std::vector<FileEntry>& entries) const;
  // Remembers these instead of what was known below start. since: when the hashing began; files changed at about that
  // time are not remembered, as another change could leave no trace.
  void learn(const std::string& start, const std::vector<FileEntry>& entries, std::int64_t since_ns);
  bool changed() const { return changed_; }

 private:
  struct Known {
    std::string path;  // from the root
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t mtime_ns = 0, ctime_ns = 0;
    FileHash hash{};
  };
  std::vector<Known> known_;  // sorted
  bool changed_ = false;
};

struct WalkFilter {
  const PatternList* exclude = nullptr;  // against the path from the walk's start; matches are left out
  const PatternList* include = nullptr;  // likewise; the rest is left out, but directories on the way are kept
};

class SourceTree {
 public:
  // A directory; index_file may be empty (no memory of digests).
  static Result<SourceTree> open(const std::string& directory, PatternList ignore, std::string index_file);
  static SourceTree of(Fd root, std::string name);  // a mounted stage
  SourceTree(SourceTree&&) noexcept;
  SourceTree& operator=(SourceTree&&) noexcept;
  ~SourceTree();

  int root() const { return root_.get(); }
  const PatternList& ignore() const { return ignore_; }
  const std::string& name() const { return name_; }

  // Links followed inside the root, as if it were "/". Gives the real path, "" for the root. Code::not_found if
  // absent or ignored.
  Result<std::string> resolve(const std::string& path) const;
  // Names that a pattern with wildcards matches: real paths, sorted. An error if the directories before the first
  // wildcard are not there.
  Result<std::vector<std::string>> glob(const std::string& pattern) const;
  // What lstat(2) says, in BuildKit's words, of a path that is not there; links on the way are followed.
  Error lstat_error(const std::string& path) const;
  // The entry itself first (path ""), then all below. Not hashed.
  Result<std::vector<FileEntry>> walk(const std::string& path, const WalkFilter& filter) const;
  // Digests all regular files among the entries of walk(start) that have none; several threads.
  Result<> hash(const std::string& start, std::vector<FileEntry>& entries) const;
  Result<> save_index() const;

 private:
  SourceTree();
  bool ignored_with_all_below(const std::string& path) const;
  Result<bool> is_visible(const std::string& path) const;
  Result<std::vector<std::string>> names_in(const std::string& folder, const std::string& name_pattern,
                                            const std::string& pattern) const;  // pattern: for messages
  struct Memory;
  Fd root_;
  std::string name_;
  PatternList ignore_;
  std::string index_file_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace consort::build

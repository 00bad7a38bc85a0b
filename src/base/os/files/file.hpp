// Files and directories: reading whole files, writing atomically, and resolving paths that cannot leave a root.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "base/os/fd.hpp"

namespace consort {

inline constexpr std::size_t default_read_limit = std::size_t{64} << 20;

Result<std::string> read_file(const std::string& path, std::size_t limit = default_read_limit);

enum class Durability {
  volatile_,  // survives a crash of the program; for the run directory and what can be recreated
  durable,    // fsync of the file, then of its directory: survives a crash of the machine
};
// Writes to a temporary file next to the target and renames it: a reader sees the old or the new content, never a mix.
Result<> write_file_atomic(const std::string& path, std::string_view content, mode_t mode = 0644,
                           Durability durability = Durability::volatile_);
Result<> sync_directory(const std::string& path);  // makes renames and removals in it durable

bool path_exists(const std::string& path);                // true for a dangling link; false if it cannot be examined
Result<struct stat> stat_path(const std::string& path);   // follows links
Result<struct stat> lstat_path(const std::string& path);  // does not follow a link
// mkdir -p; existing directories keep their mode.
Result<> make_directories(const std::string& path, mode_t mode = 0755);
// rm -rf: any depth, follows no links, enters nothing that is mounted below, undoes chattr +i. A missing path is
// success.
Result<> remove_tree(const std::string& path);
Result<> remove_file(const std::string& path);  // a missing file is success
Result<> rename_path(const std::string& from, const std::string& to);

// Opens a path of a container or image as if root were "/": neither links nor ".." can leave it (openat2 with
// RESOLVE_IN_ROOT). root is the descriptor of a directory (borrowed).
Result<Fd> open_in_root(int root, const std::string& path, int flags, mode_t mode = 0644);
// mkdir -p inside root, following links inside it. Returns the directory, opened with O_PATH.
Result<Fd> make_directories_in_root(int root, const std::string& path, mode_t mode = 0755);

// Purely textual: "a//b/./c/.." -> "a/b". Never accesses the disk; "" -> ".".
std::string clean_path(std::string_view path);
std::string join_path(std::string_view base, std::string_view relative);  // an absolute `relative` wins; normalized
std::string base_name(std::string_view path);
std::string dir_name(std::string_view path);
Result<std::string> current_directory();

}  // namespace consort

// Files and directories: whole reads, writes that are there entirely or not at all, and paths that cannot leave a root.
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
  volatile_,  // survives a crash of the program; for the run directory and what can be made again
  durable,    // fsync of the file, then of its folder: survives a crash of the machine
};
// Writes next to the target under a temporary name and renames: a reader sees the old or the new content, never a part.
Result<> write_file_atomic(const std::string& path, std::string_view content, mode_t mode = 0644,
                           Durability durability = Durability::volatile_);
Result<> sync_directory(const std::string& path);

bool path_exists(const std::string& path);  // of a dangling link: true
Result<struct stat> stat_path(const std::string& path);
Result<struct stat> lstat_path(const std::string& path);
// mkdir -p; existing directories keep their mode.
Result<> make_directories(const std::string& path, mode_t mode = 0755);
// rm -rf: any depth, no links followed, nothing entered that is mounted below, chattr +i undone. Gone is success.
Result<> remove_tree(const std::string& path);
Result<> remove_file(const std::string& path);  // already gone is success
Result<> rename_path(const std::string& from, const std::string& to);

// A path of a container or image, resolved inside root as if root were "/": links and ".." cannot leave it
// (openat2 with RESOLVE_IN_ROOT). root is a descriptor of a directory.
Result<Fd> open_in_root(int root, const std::string& path, int flags, mode_t mode = 0644);
// mkdir -p inside root, following links inside it. Gives the directory, opened with O_PATH.
Result<Fd> make_directories_in_root(int root, const std::string& path, mode_t mode = 0755);

// Pure text: "a//b/./c/.." -> "a/b". Never touches the disk; "" -> ".".
std::string clean_path(std::string_view path);
std::string join_path(std::string_view base, std::string_view relative);  // an absolute `relative` wins; cleaned
std::string base_name(std::string_view path);
std::string dir_name(std::string_view path);
Result<std::string> current_directory();

}  // namespace consort

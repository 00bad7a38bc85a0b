// Descriptors, and paths inside the container's root, for the child: like base/os/files/file.hpp without allocation.
// Those that give an int give -1 and errno.
#pragma once

#include <cstdint>
#include <span>

namespace consort::runtime::internal {

// All descriptors above 2 but these (ascending). The child's end of the socket must be the only one there is, and the
// parent's the parent's alone: so each notices the other's death. The same goes for all that the parent shares with
// others: connections, locks, ports. (Before Linux 5.9 there is no such call, and execve does it.)
void close_all_but(std::span<const int> kept);

enum class Links : std::uint8_t { follow, refuse };
enum class Target : std::uint8_t { directory, file };

int open_inside(int root, const char* path, int flags, Links links = Links::follow);
// O_PATH descriptor of path; missing directories (0755) and the file (empty, 0755) are made. Links that point to
// nothing yet are followed inside the root ("/var/run" -> "/run" before /run exists), eight of them at most.
int make_target(int root, const char* path, Target target, Links links = Links::follow);

// open_tree(OPEN_TREE_CLONE) of fd; move_mount of a tree onto an O_PATH descriptor; mount_setattr. ENOSYS is passed on.
int clone_tree(int fd, bool recursive);
int move_onto(int tree, int target);
int set_attributes(int fd, std::uint64_t set, std::uint64_t clear, std::uint64_t propagation, bool recursive);

}  // namespace consort::runtime::internal

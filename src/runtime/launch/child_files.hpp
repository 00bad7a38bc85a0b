// Operations on descriptors, and on paths inside the container's root, for the child: like base/os/files/file.hpp but
// without allocation. Functions that return int return -1 and set errno on failure.
#pragma once

#include <cstdint>
#include <span>

namespace consort::runtime::internal {

// Closes all descriptors above 2 except these (ascending). The child's end of the socket must be its only copy, and the
// parent's end only the parent's, so that each notices the other's death. The same goes for everything else that the
// parent shares: connections, locks, ports. (Before Linux 5.9 there is no such call, and execve does it.)
void close_all_but(std::span<const int> kept);

enum class Links : std::uint8_t { follow, refuse };
enum class Target : std::uint8_t { directory, file };

int open_inside(int root, const char* path, int flags, Links links = Links::follow);
// O_PATH descriptor of path. Creates missing directories (0755) and the file (empty, 0755). Follows at most eight
// dangling links inside the root ("/var/run" -> "/run" before /run exists).
int make_target(int root, const char* path, Target target, Links links = Links::follow);

// open_tree(OPEN_TREE_CLONE) of fd; move_mount of a tree onto an O_PATH descriptor; mount_setattr. ENOSYS is passed on.
int clone_tree(int fd, bool recursive);
int move_onto(int tree, int target);
int set_attributes(int fd, std::uint64_t set, std::uint64_t clear, std::uint64_t propagation, bool recursive);

}  // namespace consort::runtime::internal

// Paths inside the container's root, for the child: like base/os/file.hpp without allocation. All give -1 and errno.
#pragma once

#include <cstdint>

namespace consort::runtime::internal {

enum class Links : std::uint8_t { follow, refuse };
enum class Target : std::uint8_t { directory, file };

int open_inside(int root, const char* path, int flags, Links links = Links::follow);
// O_PATH descriptor of path; missing folders (0755) and the file (empty, 0755) are made. Links that point to nothing
// yet are followed inside the root ("/var/run" -> "/run" before /run exists), eight of them at most.
int make_target(int root, const char* path, Target target, Links links = Links::follow);

// open_tree(OPEN_TREE_CLONE) of fd; move_mount of a tree onto an O_PATH descriptor; mount_setattr. ENOSYS is passed on.
int clone_tree(int fd, bool recursive);
int move_onto(int tree, int target);
int set_attributes(int fd, std::uint64_t set, std::uint64_t clear, std::uint64_t propagation, bool recursive);

}  // namespace consort::runtime::internal

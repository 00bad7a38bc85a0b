#include "runtime/launch/child_files.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

namespace consort::runtime::internal {

namespace {

constexpr int max_dangling_links = 8;

void close_keeping_errno(int fd) {
  const int saved = errno;
  ::close(fd);
  errno = saved;
}

// Replaces the last component of path, a symlink that begins at `at`, by its target, and appends rest.
bool replace_link(char* path, char* at, const char* rest, int parent) {
  char text[PATH_MAX];
  const ssize_t length = ::readlinkat(parent, at, text, sizeof text);
  if (length < 0) return false;
  char* const from = text[0] == '/' ? path : at;
  if (static_cast<std::size_t>(from - path) + static_cast<std::size_t>(length) + std::strlen(rest) + 1 > PATH_MAX) {
    errno = ENAMETOOLONG;
    return false;
  }
  std::memcpy(from, text, static_cast<std::size_t>(length));
  std::strcpy(from + length, rest);
  return true;
}

enum class Walked { arrived, link_replaced, failed };

Walked make_missing(int root, char* path, Target target, Links links, int& result) {
  int parent = open_inside(root, "/", O_PATH | O_DIRECTORY);
  if (parent < 0) return Walked::failed;
  char* at = path;
  while (*at == '/') ++at;
  while (true) {
    char* end = at + std::strcspn(at, "/");
    const char saved = *end;
    const bool is_file = saved == '\0' && target == Target::file;
    *end = '\0';
    int next = open_inside(root, path, O_PATH, links);
    if (next < 0 && errno == ENOENT) {
      const int made = is_file ? ::openat(parent, at, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0755)
                               : ::mkdirat(parent, at, 0755);
      if (made < 0 && errno == EEXIST && links == Links::follow) {
        char rest[PATH_MAX];
        *end = saved;
        std::strcpy(rest, end);
        *end = '\0';
        const bool replaced = replace_link(path, at, rest, parent);
        close_keeping_errno(parent);
        return replaced ? Walked::link_replaced : Walked::failed;
      }
      if (made < 0 && errno != EEXIST) {
        close_keeping_errno(parent);
        return Walked::failed;
      }
      if (made >= 0 && is_file) ::close(made);
      next = open_inside(root, path, O_PATH, links);
    }
    close_keeping_errno(parent);
    if (next < 0) return Walked::failed;
    if (saved == '\0') {
      result = next;
      return Walked::arrived;
    }
    *end = saved;
    parent = next;
    at = end + 1;
    while (*at == '/') ++at;
  }
}

}  // namespace

void close_all_but(std::span<const int> kept) {
  unsigned from = 3;
  for (const int fd : kept) {
    const auto number = static_cast<unsigned>(fd);
    if (number > from) ::syscall(SYS_close_range, from, number - 1, 0U);
    if (number >= from) from = number + 1;
  }
  ::syscall(SYS_close_range, from, ~0U, 0U);
}

int open_inside(int root, const char* path, int flags, Links links) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  if (links == Links::refuse) how.resolve |= RESOLVE_NO_SYMLINKS;
  // EAGAIN: a rename raced with the lookup, and the kernel could not prove that the path stayed inside.
  for (int tries = 0; tries < 64; ++tries) {
    const long fd = ::syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) return static_cast<int>(fd);
  }
  return -1;
}

int make_target(int root, const char* path, Target target, Links links) {
  char buffer[PATH_MAX];
  if (std::strlen(path) >= sizeof buffer) {
    errno = ENAMETOOLONG;
    return -1;
  }
  std::strcpy(buffer, path);
  for (int round = 0; round < max_dangling_links; ++round) {
    int fd = open_inside(root, buffer, O_PATH, links);
    if (fd >= 0 || errno != ENOENT) return fd;
    switch (make_missing(root, buffer, target, links, fd)) {
      case Walked::arrived:
        return fd;
      case Walked::failed:
        return -1;
      case Walked::link_replaced:
        break;
    }
  }
  errno = ELOOP;
  return -1;
}

int clone_tree(int fd, bool recursive) {
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  return static_cast<int>(::syscall(SYS_open_tree, fd, "", flags));
}

int move_onto(int tree, int target) {
  return static_cast<int>(
      ::syscall(SYS_move_mount, tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

int set_attributes(int fd, std::uint64_t set, std::uint64_t clear, std::uint64_t propagation, bool recursive) {
  mount_attr attributes{};
  attributes.attr_set = set;
  attributes.attr_clr = clear;
  attributes.propagation = propagation;
  const unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  return static_cast<int>(::syscall(SYS_mount_setattr, fd, "", flags, &attributes, sizeof attributes));
}

}  // namespace consort::runtime::internal

#include "base/os/reserve.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdint>

#include "base/os/fd.hpp"
#include "base/os/file.hpp"

namespace consort {

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
constexpr std::uint64_t reserved_bytes = 4 * mebibyte;
constexpr int reserved_inodes = 64;
// Where less than this is left, it would be the reserve itself that fills the disk.
constexpr std::uint64_t plenty_bytes = 16 * reserved_bytes;
constexpr std::uint64_t plenty_inodes = 16 * reserved_inodes;

}  // namespace

Result<FreeRoom> free_room(const std::string& path) {
  struct statvfs st;
  if (::statvfs(path.c_str(), &st) != 0) return fail_errno("look at file system of", path);
  const std::uint64_t blocks = ::geteuid() == 0 ? st.f_bfree : st.f_bavail;
  return FreeRoom{blocks * st.f_frsize, st.f_files == 0 ? UINT64_MAX : st.f_ffree};
}

bool is_full(const FreeRoom& room) {
  return room.bytes < mebibyte || room.inodes < reserved_inodes;
}

void Reserve::give_up_if_full() const {
  const Result<FreeRoom> room = free_room(data_);
  if (room && is_full(*room)) (void)remove_tree(folder_);
}

void Reserve::keep() const {
  // Made last, so that a reserve which a crash cut short is made again.
  const std::string blocks = folder_ + "/blocks";
  if (path_exists(blocks)) return;
  const Result<FreeRoom> room = free_room(data_);
  if (!room || room->bytes < plenty_bytes || room->inodes < plenty_inodes) return;
  if (!make_directories(folder_, 0700)) return;
  for (int i = 0; i < reserved_inodes; ++i)
    if (!open_file(folder_ + "/" + std::to_string(i), O_WRONLY | O_CREAT, 0600)) return;
  const std::string unfinished = blocks + ".new";
  const Result<Fd> file = open_file(unfinished, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (!file || ::posix_fallocate(file->get(), 0, static_cast<off_t>(reserved_bytes)) != 0) {
    (void)remove_file(unfinished);
    return;
  }
  (void)rename_path(unfinished, blocks);
}

}  // namespace consort

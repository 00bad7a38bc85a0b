#include "base/os/files/reserve.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "base/os/fd.hpp"
#include "base/os/files/file.hpp"
#include "base/os/files/temporary.hpp"
#include "base/os/trees/directory.hpp"
#include "base/strings.hpp"

namespace consort {

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
constexpr std::uint64_t reserved_bytes = 4 * mebibyte;
constexpr unsigned reserved_inodes = 64;
constexpr const char *blocks_name = "blocks", *unfinished_name = "blocks.new";
// With less than this left, the reserve itself would fill the disk.
constexpr std::uint64_t plenty_bytes = 16 * reserved_bytes;
constexpr std::uint64_t plenty_inodes = 16 * reserved_inodes;

struct FreeRoom {
  std::uint64_t bytes;   // for us: with what the file system keeps for root, if we are that
  std::uint64_t inodes;  // a file system without a fixed number of them says very many
};

Result<FreeRoom> free_room(const std::string& path) {
  struct statvfs st;
  if (::statvfs(path.c_str(), &st) != 0) return fail_errno("look at file system of", path);
  const std::uint64_t blocks = ::geteuid() == 0 ? st.f_bfree : st.f_bavail;
  return FreeRoom{blocks * st.f_frsize, st.f_files == 0 ? UINT64_MAX : st.f_ffree};
}

bool means_full(int number) {
  return number == ENOSPC || number == EDQUOT;
}

std::string words_of(Shortage shortage, int number, const std::string& directory) {
  if (shortage == Shortage::inodes)
    return "all inodes of the file system of " + directory + " are used up: it has too many files";
  if (number == EDQUOT) return "the disk quota of " + directory + " is used up";
  return "the disk of " + directory + " is full";
}

constexpr const char* how_to_make_room =
    "`consort image prune --all` removes unused images, and with --build-cache also the build cache";

}  // namespace

Shortage find_shortage(const std::string& directory) {
  const Result<FreeRoom> room = free_room(directory);
  if (room && room->inodes < reserved_inodes) return Shortage::inodes;
  // Only a nearly full disk is probed: it would cost time at every start.
  if (room && room->bytes >= plenty_bytes) return Shortage::none;
  const Result<Fd> file = create_unnamed(directory);
  const int number = file ? ::posix_fallocate(file->get(), 0, mebibyte) : file.error().sys_errno();
  return means_full(number) ? Shortage::blocks : Shortage::none;
}

Result<> check_room(const std::string& data_root) {
  const Shortage shortage = find_shortage(data_root);
  if (shortage == Shortage::none) return {};
  return fail(
      Error(Code::io).why(words_of(shortage, ENOSPC, data_root)).hint(std::string("make room: ") + how_to_make_room));
}

std::string advice_on_full_disk(const Error& error, const std::string& data_root) {
  const int number = error.sys_errno();
  if (!means_full(number)) return {};
  const Shortage ours = find_shortage(data_root);
  // Another disk, or a kernel limit with the same number: the path in the error has to be enough.
  if (ours == Shortage::none && number != EDQUOT) return {};
  return words_of(ours, number, data_root) + "; to free some: " + how_to_make_room;
}

bool Reserve::is_ours() const {
  struct stat st;
  if (::lstat(directory_.c_str(), &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != ::geteuid()) return false;
  const bool is_private = (st.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  const auto names = list_directory(directory_);
  if (!names) return false;
  const auto is_part = [this](const std::string& name) {
    const bool known = name == blocks_name || name == unfinished_name ||
                       parse_unsigned(name).value_or(reserved_inodes) < reserved_inodes;
    struct stat file;
    return known && ::lstat((directory_ + "/" + name).c_str(), &file) == 0 && S_ISREG(file.st_mode) &&
           file.st_uid == ::geteuid();
  };
  if (!std::ranges::all_of(*names, is_part)) return false;
  // A reserve that a crash cut short may still be empty, but only ours is private from its first moment.
  return is_private || std::ranges::find(*names, blocks_name) != names->end();
}

void Reserve::give_up_if_full() const {
  if (find_shortage(data_) != Shortage::none && is_ours()) (void)remove_tree(directory_);
}

void Reserve::keep() const {
  // Created last, so that a reserve that a crash cut short is created again.
  const std::string blocks = directory_ + "/" + blocks_name;
  if (path_exists(blocks)) return;
  const Result<FreeRoom> room = free_room(data_);
  if (!room || room->bytes < plenty_bytes || room->inodes < plenty_inodes) return;
  if (!make_directories(directory_, 0700)) return;
  for (unsigned i = 0; i < reserved_inodes; ++i)
    if (!open_file(directory_ + "/" + std::to_string(i), O_WRONLY | O_CREAT, 0600)) return;
  const std::string unfinished = directory_ + "/" + unfinished_name;
  const Result<Fd> file = open_file(unfinished, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (!file || ::posix_fallocate(file->get(), 0, static_cast<off_t>(reserved_bytes)) != 0) {
    (void)remove_file(unfinished);
    return;
  }
  (void)rename_path(unfinished, blocks);
}

}  // namespace consort

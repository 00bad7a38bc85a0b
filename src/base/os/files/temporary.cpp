#include "base/os/files/temporary.hpp"
#include "base/os/files/dir_stream.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <memory>
#include <string_view>

#include "base/strings.hpp"

namespace consort {

namespace {

constexpr std::string_view temporary_mark = ".tmp-";
constexpr std::size_t temporary_digits = 16;
constexpr std::time_t longest_write_seconds = 3600;  // nobody works at one temporary file for longer

// Earlier versions wrote a pid and a counter after the marker.
bool is_temporary_name(std::string_view name) {
  const std::size_t mark = name.rfind(temporary_mark);
  if (mark == std::string_view::npos || mark == 0) return false;
  const std::string_view rest = name.substr(mark + temporary_mark.size());
  return !rest.empty() && rest.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

// With these flags besides those that make it a new file.
Result<TemporaryFile> create_temporary_with(int flags, const std::string& path, mode_t mode) {
  constexpr int most_tries = 16;
  for (int tried = 1;; ++tried) {
    std::string name = path + std::string(temporary_mark) + random_id().substr(0, temporary_digits);
    Result<Fd> fd = open_file(name, flags | O_CREAT | O_EXCL, mode);
    if (fd) return TemporaryFile{std::move(*fd), std::move(name)};
    // The name that is asked about is the caller's.
    if (fd.error().sys_errno() != EEXIST || tried == most_tries)
      return fail_errno(fd.error().sys_errno(), "open", path);
  }
}

}  // namespace

Result<TemporaryFile> create_temporary(const std::string& path, mode_t mode) {
  return create_temporary_with(O_WRONLY, path, mode);
}

Result<Fd> create_unnamed(const std::string& directory) {
  Result<Fd> file = open_file(directory, O_TMPFILE | O_RDWR, 0600);
  if (file) return file;
  const int number = file.error().sys_errno();
  if (number == ENOSPC || number == EDQUOT) return file;
  // Not every file system has files without a name.
  TemporaryFile named = TRY(create_temporary_with(O_RDWR, directory + "/unnamed", 0600));
  if (::unlink(named.path.c_str()) != 0) return fail_errno("remove", named.path);
  return std::move(named.fd);
}

Result<> sweep_temporaries(const std::string& directory) {
  const DirStream stream(::opendir(directory.c_str()));
  if (!stream) return errno == ENOENT ? Result<>() : fail_errno("list", directory);
  while (const dirent* entry = ::readdir(stream.get())) {
    struct stat st;
    if (!is_temporary_name(entry->d_name)) continue;
    if (::fstatat(::dirfd(stream.get()), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
      continue;
    if (st.st_mtime + longest_write_seconds > ::time(nullptr)) continue;
    if (::unlinkat(::dirfd(stream.get()), entry->d_name, 0) != 0 && errno != ENOENT)
      return fail_errno("remove", directory + "/" + entry->d_name);
  }
  return {};
}

}  // namespace consort

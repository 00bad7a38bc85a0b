// The real disk behind FileAccess.
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "base/os/file.hpp"
#include "compose/compose.hpp"
#include "compose/yaml/parser.hpp"

namespace consort::compose {

namespace {

Result<std::string> read_standard_input() {
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read", "standard input");
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > yaml::text_limit) return fail(Code::invalid, "read", "standard input");
  }
}

}  // namespace

FileAccess system_files() {
  FileAccess access;
  access.read = [](const std::string& path) -> Result<std::string> {
    if (path == "-") return read_standard_input();
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
      const int number = errno;
      return fail(Error(code_of_errno(number), "open " + path + ": " + errno_text(number)));
    }
    if (S_ISDIR(info.st_mode)) return fail(Code::invalid, "read " + path + ": is a directory");
    if (S_ISREG(info.st_mode) && static_cast<std::size_t>(info.st_size) > yaml::text_limit) {
      return fail(Code::invalid, "read " + path + ": the file is larger than 16 MiB");
    }
    return read_file(path, yaml::text_limit + 1);
  };
  access.is_file = [](const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
  };
  access.exists = [](const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0;
  };
  access.resolve_links = [](const std::string& path) {
    char buffer[PATH_MAX];
    return ::realpath(path.c_str(), buffer) ? std::string(buffer) : path;
  };
  return access;
}

}  // namespace consort::compose

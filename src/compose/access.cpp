// FileAccess for the real file system.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>
#include <mutex>

#include "base/os/files/file.hpp"
#include "base/os/files/real_path.hpp"
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

// Caches files that can be read only once, as with `--env-file <(decrypt secrets.env)`, because a command reads its
// files several times.
class ReadOnce {
 public:
  template <typename Read>
  Result<std::string> read(const std::string& path, Read how) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = texts_.find(path); found != texts_.end()) return found->second;
    std::string text = TRY(how());
    texts_.emplace(path, text);
    return text;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> texts_;
};

Result<std::string> read_text(const std::string& path, ReadOnce& once) {
  if (path == "-") return once.read(path, read_standard_input);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    const int number = errno;
    return fail(Error(code_of_errno(number), "open " + path + ": " + errno_text(number)));
  }
  if (S_ISDIR(info.st_mode)) return fail(Code::invalid, "read " + path + ": is a directory");
  if (S_ISREG(info.st_mode) && static_cast<std::size_t>(info.st_size) > yaml::text_limit) {
    return fail(Code::invalid, "read " + path + ": the file is larger than 16 MiB");
  }
  const auto read = [&] { return read_file(path, yaml::text_limit + 1); };
  return S_ISREG(info.st_mode) ? read() : once.read(path, read);
}

}  // namespace

FileAccess system_files() {
  FileAccess access;
  access.read = [once = std::make_shared<ReadOnce>()](const std::string& path) { return read_text(path, *once); };
  access.is_file = [](const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
  };
  access.exists = [](const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0;
  };
  access.resolve_links = [](const std::string& path) { return real_path(path).value_or(path); };
  return access;
}

}  // namespace consort::compose

#include "runtime/cgroup/cgroup_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/os/files/file.hpp"

namespace consort::runtime::internal {

void pause_briefly() {
  const timespec five_milliseconds{0, 5'000'000};
  ::nanosleep(&five_milliseconds, nullptr);
}

Result<> write_value(const std::string& path, const std::string& text) {
  const Fd fd = TRY(open_file(path, O_WRONLY));
  if (::write(fd.get(), text.data(), text.size()) < 0) return fail_errno("write \"" + text + "\" to", path);
  return {};
}

std::vector<std::string> groups_below(const std::string& directory) {
  std::vector<std::string> found;
  DIR* const stream = ::opendir(directory.c_str());
  while (const dirent* entry = stream ? ::readdir(stream) : nullptr) {
    const std::string name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..") found.push_back(directory + "/" + name);
  }
  if (stream) ::closedir(stream);
  return found;
}

}  // namespace consort::runtime::internal

#include "project/watch/git_lock.hpp"

#include <algorithm>
#include <ctime>
#include <optional>

#include "base/os/files/file.hpp"
#include "base/os/files/plain_file.hpp"
#include "base/strings.hpp"

namespace consort::project {

namespace {

// The directory with the index of the repository whose files are in `directory`; nullopt: it is not in a repository.
std::optional<std::string> git_directory_in(const std::string& directory) {
  const std::string entry = join_path(directory, ".git");
  const auto status = lstat_path(entry);
  if (!status) return std::nullopt;
  if (S_ISDIR(status->st_mode)) return entry;
  constexpr std::string_view word = "gitdir:";
  const auto text = read_plain_file(entry, 4096);
  if (!text || !text->starts_with(word)) return std::nullopt;
  return join_path(directory, trim(std::string_view(*text).substr(word.size())));
}

}  // namespace

GitLocks GitLocks::of(const std::vector<std::string>& paths) {
  GitLocks locks;
  for (const std::string& path : paths) {
    for (std::string directory = path;; directory = dir_name(directory)) {
      if (const auto found = git_directory_in(directory)) {
        const std::string file = *found + "/index.lock";
        if (std::ranges::find(locks.files_, file) == locks.files_.end()) locks.files_.push_back(file);
        break;
      }
      if (directory == "/" || directory == ".") break;
    }
  }
  return locks;
}

bool GitLocks::held() const {
  return std::ranges::any_of(files_, [](const std::string& file) {
    const auto status = lstat_path(file);
    return status && std::time(nullptr) - status->st_mtim.tv_sec < longest.count();
  });
}

}  // namespace consort::project

// The entries of a tree that match a path or a pattern.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <span>

#include "base/os/files/file.hpp"
#include "base/os/files/link.hpp"
#include "base/path_walk.hpp"
#include "base/strings.hpp"
#include "build/context/tree.hpp"
#include "build/dockerfile/wildcard.hpp"

namespace consort::build {

Result<std::string> SourceTree::resolve(const std::string& path) const {
  PathWalk walk(path);
  const auto missing = [&] {
    return fail(Error(Code::not_found).why("\"" + clean_path("/" + path) + "\": not found"));
  };
  while (walk.next()) {
    const std::string here = walk.here();
    const auto fd = open_in_root(root_.get(), here, O_PATH | O_NOFOLLOW);
    if (!fd || ignored_with_all_below(here)) return missing();
    struct stat info {};
    if (::fstat(fd->get(), &info) != 0) return fail_errno("look at", here);
    if (S_ISLNK(info.st_mode)) TRY(walk.follow(TRY(read_link_at(fd->get(), "", here))));
  }
  if (!TRY(is_visible(walk.here()))) return missing();
  return walk.here();
}

Error SourceTree::lstat_error(const std::string& path) const {
  PathWalk walk(path);
  const char* why = "no such file or directory";
  while (walk.next()) {
    const auto fd = open_in_root(root_.get(), walk.here(), O_PATH | O_NOFOLLOW);
    if (!fd && fd.error().sys_errno() == ENOTDIR) why = "not a directory";
    if (!fd || ignored_with_all_below(walk.here())) break;
    const auto target = read_link_at(fd->get(), "", walk.here());
    if (target && !walk.follow(*target)) break;
  }
  return Error(Code::invalid).why("lstat /" + walk.whole() + ": " + why);
}

bool SourceTree::ignored_with_all_below(const std::string& path) const {
  if (ignore_.empty() || !ignore_.matches(path)) return false;
  return !ignore_.may_take_back_below(path);
}

// An ignored directory is visible if something below it is.
Result<bool> SourceTree::is_visible(const std::string& path) const {
  if (path.empty() || ignore_.empty() || !ignore_.matches(path)) return true;
  if (!ignore_.may_take_back_below(path)) return false;
  return TRY(walk(path, {})).size() > 1;
}

Result<std::vector<std::string>> SourceTree::names_in(const std::string& directory, const std::string& name_pattern,
                                                      const std::string& pattern) const {
  std::vector<std::string> found;
  const auto fd = open_in_root(root_.get(), directory.empty() ? "." : directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!fd) return found;
  DIR* dir = ::fdopendir(::fcntl(fd->get(), F_DUPFD_CLOEXEC, 0));
  if (!dir) return fail_errno("read directory", directory);
  const std::unique_ptr<DIR, int (*)(DIR*)> closer(dir, ::closedir);
  while (const dirent* item = ::readdir(dir)) {
    const std::string name = item->d_name;
    if (name == "." || name == "..") continue;
    const auto matched = path_match(name_pattern, name);
    if (!matched) return fail(Error(Code::invalid).why("syntax error in pattern: " + pattern));
    if (*matched) found.push_back(directory.empty() ? name : directory + "/" + name);
  }
  return found;
}

Result<std::vector<std::string>> SourceTree::glob(const std::string& pattern) const {
  std::vector<std::string> parts;
  for (auto& part : split(clean_path(pattern), '/')) {
    if (!part.empty() && part != ".") parts.push_back(std::move(part));
  }
  std::size_t fixed = 0;
  while (fixed < parts.size() && !has_wildcards(parts[fixed])) ++fixed;
  const std::string start = join(std::span(parts).first(fixed), "/");
  const auto base = resolve(start);
  if (!base) {
    if (base.error().code() == Code::not_found) return fail(lstat_error(start));
    return std::unexpected(Error(Code::io).why(base.error().message()));
  }
  std::vector<std::string> found{*base};
  for (std::size_t i = fixed; i < parts.size(); ++i) {
    std::vector<std::string> next;
    for (const auto& directory : found) {
      for (auto& path : TRY(names_in(directory, parts[i], pattern))) {
        if (i + 1 < parts.size() ? !ignored_with_all_below(path) : TRY(is_visible(path)))
          next.push_back(std::move(path));
      }
    }
    found = std::move(next);
  }
  std::ranges::sort(found);
  return found;
}

}  // namespace consort::build

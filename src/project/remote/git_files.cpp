#include "project/remote/git_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "compose/file_names.hpp"

namespace consort::project {

namespace {

Result<bool> is_regular(int root, const std::string& path) {
  const auto file = open_in_root(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) return false;
  struct stat info {};
  if (::fstat(file->get(), &info) != 0) return fail_errno("look at", path);
  return S_ISREG(info.st_mode);
}

}  // namespace

Result<GitAddress> parse_git_place(std::string_view source) {
  GitAddress place = TRY(parse_git_address(source));
  place.path = clean_path("/" + place.path).substr(1);
  return place;
}

Result<std::string> git_commit(const GitAddress& place, int cancel_fd) {
  if (is_git_commit(place.reference)) return place.reference;
  const std::string wanted = place.reference.empty() ? "HEAD" : place.reference;
  const std::string listed = TRY(run_git({"ls-remote", place.remote, wanted, wanted + "^{}"}, "/", cancel_fd));
  std::string commit;
  for (const std::string& line : split(listed, '\n')) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string::npos || !is_git_commit(line.substr(0, tab))) continue;
    const std::string name = line.substr(tab + 1);
    // For an annotated tag, use the commit that it points to. A branch wins over a tag of the same name, as in `git
    // checkout`.
    if (commit.empty() || name.ends_with("^{}")) commit = line.substr(0, tab);
  }
  if (commit.empty())
    return fail(Error(Code::not_found, "repository " + place.remote + " does not contain ref " + wanted));
  return commit;
}

Result<> git_checkout(const GitAddress& place, const std::string& commit, const std::string& directory, int cancel_fd) {
  TRY(git_check_out(place.remote, commit, directory, cancel_fd));
  return remove_tree(directory + "/.git");
}

Result<std::string> find_compose_file(const std::string& directory, const GitAddress& place) {
  const Fd root = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  if (!place.path.empty() && TRY(is_regular(root.get(), place.path))) return place.path;
  for (const std::string_view name : compose::default_names) {
    std::string path = place.path.empty() ? std::string(name) : place.path + "/" + std::string(name);
    if (TRY(is_regular(root.get(), path))) return path;
  }
  return fail(Error(Code::not_found,
                    "there is no Compose file in " + place.remote + (place.path.empty() ? "" : " at " + place.path))
                  .hint("name it after the branch: " + place.remote + "#main:FOLDER"));
}

}  // namespace consort::project

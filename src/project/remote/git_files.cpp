#include "project/remote/git_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os/file.hpp"
#include "base/os/process.hpp"
#include "base/strings.hpp"
#include "compose/file_names.hpp"

namespace consort::project {

namespace {

constexpr std::size_t output_limit = 1 << 20;

bool is_commit(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) && is_hex(text);
}

// Nobody is asked for a password, and nothing of the repository runs: neither hooks nor file system monitors.
Result<std::string> run_git(const std::vector<std::string>& arguments, const std::string& directory, int cancel_fd) {
  SpawnOptions options;
  options.argv = {"git",
                  "-c",
                  "protocol.file.allow=never",
                  "-c",
                  "core.askPass=true",
                  "-c",
                  "core.hooksPath=/dev/null",
                  "-c",
                  "core.fsmonitor=false"};
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  options.directory = directory;
  for (char** entry = environ; entry && *entry; ++entry) options.environment.emplace_back(*entry);
  options.environment.emplace_back("GIT_TERMINAL_PROMPT=0");
  auto done = run_and_capture(options, {}, output_limit, cancel_fd);
  if (!done && done.error().code() == Code::interrupted) return fail(std::move(done).error());
  if (!done)
    return fail(std::move(done).error().wrap("run git").hint("git is needed to read from a repository: install it"));
  if (!done->status.success())
    return fail(Error(Code::io, "git " + arguments.front()).why(std::string(trim(done->err))));
  return std::string(trim(done->out));
}

Result<bool> is_regular(int root, const std::string& path) {
  const auto file = open_in_root(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) return false;
  struct stat info {};
  if (::fstat(file->get(), &info) != 0) return fail_errno("look at", path);
  return S_ISREG(info.st_mode);
}

}  // namespace

Result<GitPlace> parse_git_place(std::string_view source) {
  GitPlace place;
  const auto hash = source.find('#');
  place.remote = source.substr(0, hash);
  if (place.remote.starts_with("github.com/")) place.remote.insert(0, "https://");
  if (hash != std::string_view::npos) {
    const std::string_view fragment = source.substr(hash + 1);
    const auto colon = fragment.find(':');
    place.reference = fragment.substr(0, colon);
    if (colon != std::string_view::npos)
      place.path = clean_path("/" + std::string(fragment.substr(colon + 1))).substr(1);
  }
  if (place.remote.starts_with('-') || place.reference.starts_with('-') || place.remote.find("::") != std::string::npos)
    return fail(Error(Code::invalid, "invalid git URL").on(std::string(source)));
  return place;
}

Result<std::string> git_commit(const GitPlace& place, int cancel_fd) {
  if (is_commit(place.reference)) return place.reference;
  const std::string wanted = place.reference.empty() ? "HEAD" : place.reference;
  const std::string listed = TRY(run_git({"ls-remote", place.remote, wanted, wanted + "^{}"}, "/", cancel_fd));
  std::string commit;
  for (const std::string& line : split(listed, '\n')) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string::npos || !is_commit(line.substr(0, tab))) continue;
    const std::string name = line.substr(tab + 1);
    // Of an annotated tag what it points to; a branch before a tag of the same name, as `git checkout` has it.
    if (commit.empty() || name.ends_with("^{}")) commit = line.substr(0, tab);
  }
  if (commit.empty())
    return fail(Error(Code::not_found, "repository " + place.remote + " does not contain ref " + wanted));
  return commit;
}

Result<> git_checkout(const GitPlace& place, const std::string& commit, const std::string& folder, int cancel_fd) {
  TRY(run_git({"init", "-q"}, folder, cancel_fd));
  TRY(run_git({"remote", "add", "origin", place.remote}, folder, cancel_fd));
  // Servers need not give single commits.
  auto shallow = run_git({"fetch", "-q", "--depth=1", "origin", commit}, folder, cancel_fd);
  if (!shallow && shallow.error().code() == Code::interrupted) return fail(std::move(shallow).error());
  if (!shallow) TRY(run_git({"fetch", "-q", "origin"}, folder, cancel_fd));
  TRY(run_git({"checkout", "-q", "--detach", commit}, folder, cancel_fd));
  return remove_tree(folder + "/.git");
}

Result<std::string> find_compose_file(const std::string& folder, const GitPlace& place) {
  const Fd root = TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
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

#include "base/git.hpp"

#include <unistd.h>

#include <algorithm>

#include "base/os/processes/process.hpp"
#include "base/strings.hpp"

namespace consort {
namespace {

constexpr std::size_t output_limit = 1 << 20;

constexpr std::string_view settings[] = {
    "protocol.file.allow=never",
    "core.askPass=true",
    // No hooks, no file system monitor, and nothing that keeps running after git itself has exited.
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
};

// Variables that git sets for its hooks. With these in the environment, git would write to the repository whose hook
// called us.
constexpr std::string_view of_caller[] = {
    "GIT_DIR",        "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR", "GIT_PREFIX",    "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE",     "GIT_QUARANTINE_PATH",
    "GIT_NAMESPACE",
};

std::vector<std::string> environment_for_git() {
  std::vector<std::string> result;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text = *entry;
    if (!std::ranges::count(of_caller, text.substr(0, text.find('=')))) result.emplace_back(text);
  }
  result.emplace_back("GIT_TERMINAL_PROMPT=0");
  return result;
}

// "ext::program", with the same rule as git's transport-helper.c.
bool names_a_helper(std::string_view remote) {
  constexpr std::string_view of_schemes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.";
  return remote.substr(std::min(remote.find_first_not_of(of_schemes), remote.size())).starts_with("::");
}

}  // namespace

Result<GitAddress> parse_git_address(std::string_view text) {
  GitAddress address;
  const auto hash = text.find('#');
  address.remote = text.substr(0, hash);
  if (address.remote.starts_with("github.com/")) address.remote.insert(0, "https://");
  if (hash != std::string_view::npos) {
    const std::string_view fragment = text.substr(hash + 1);
    const auto colon = fragment.find(':');
    address.reference = fragment.substr(0, colon);
    if (colon != std::string_view::npos) address.path = fragment.substr(colon + 1);
  }
  if (address.remote.starts_with('-') || address.reference.starts_with('-') || names_a_helper(address.remote))
    return fail(Error(Code::invalid, "invalid git URL").on(std::string(text)));
  return address;
}

bool is_git_commit(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) && is_hex(text);
}

Result<std::string> run_git(const std::vector<std::string>& arguments, const std::string& directory, int cancel_fd) {
  SpawnOptions options;
  options.argv = {"git"};
  for (const std::string_view setting : settings) {
    options.argv.emplace_back("-c");
    options.argv.emplace_back(setting);
  }
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  options.directory = directory;
  options.environment = environment_for_git();
  auto done = run_and_capture(options, {}, output_limit, cancel_fd);
  if (!done && done.error().code() == Code::interrupted) return fail(std::move(done).error());
  if (!done) return fail(std::move(done).error().wrap("run git").hint("install git to read from a repository"));
  if (!done->status.success())
    return fail(Error(Code::io, "git " + arguments.front()).why(std::string(trim(done->err))));
  return std::string(trim(done->out));
}

Result<> git_check_out(const std::string& remote, const std::string& wanted, const std::string& directory,
                       int cancel_fd) {
  TRY(run_git({"init", "-q"}, directory, cancel_fd));
  TRY(run_git({"remote", "add", "origin", remote}, directory, cancel_fd));
  auto shallow = run_git({"fetch", "-q", "--depth=1", "origin", wanted}, directory, cancel_fd);
  if (!shallow) {
    // Servers need not let clients fetch single commits.
    if (!is_git_commit(wanted) || shallow.error().code() == Code::interrupted) return fail(std::move(shallow).error());
    TRY(run_git({"fetch", "-q", "origin"}, directory, cancel_fd));
  }
  TRY(run_git({"checkout", "-q", "--detach", shallow ? "FETCH_HEAD" : wanted}, directory, cancel_fd));
  return {};
}

}  // namespace consort

// Compose files of git repositories, by the git program of the user.
#pragma once

#include <string>
#include <string_view>

#include "base/git.hpp"

namespace consort::project {

// The path of the address is that of the file, or of the directory it is in; it does not lead out of the repository.
Result<GitAddress> parse_git_place(std::string_view source);

// The commit that the reference stands for now.
Result<std::string> git_commit(const GitAddress& place, int cancel_fd);
// The files of a commit, without its history. The directory exists and is empty.
Result<> git_checkout(const GitAddress& place, const std::string& commit, const std::string& folder, int cancel_fd);
// The Compose file that is meant, as a path below the directory. Links are not followed: they would lead out of it.
Result<std::string> find_compose_file(const std::string& folder, const GitAddress& place);

}  // namespace consort::project

// Reads Compose files from git repositories, using the user's git program.
#pragma once

#include <string>
#include <string_view>

#include "base/git.hpp"

namespace consort::project {

// The address's path is that of the file or its directory; it cannot lead out of the repository.
Result<GitAddress> parse_git_place(std::string_view source);

// The commit that the reference points to now.
Result<std::string> git_commit(const GitAddress& place, int cancel_fd);
// Writes the files of a commit, without its history, into an existing, empty directory.
Result<> git_checkout(const GitAddress& place, const std::string& commit, const std::string& directory, int cancel_fd);
// The Compose file's path below the directory. Links are not followed, since they could lead out of it.
Result<std::string> find_compose_file(const std::string& directory, const GitAddress& place);

}  // namespace consort::project

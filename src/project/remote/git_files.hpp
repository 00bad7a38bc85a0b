// Compose files of git repositories, by the git program of the user.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort::project {

struct GitPlace {
  std::string remote;
  std::string reference;  // branch, tag or commit; "" is the default branch
  std::string path;       // of the file, or of the folder it is in; "" is the top
};
// "https://host/repository.git#reference:path". Code::invalid for what git would take for an option.
Result<GitPlace> parse_git_place(std::string_view source);

// The commit that the reference stands for now.
Result<std::string> git_commit(const GitPlace& place, int cancel_fd);
// The files of a commit, without its history. The folder exists and is empty.
Result<> git_checkout(const GitPlace& place, const std::string& commit, const std::string& folder, int cancel_fd);
// The Compose file that is meant, as a path below the folder. Links are not followed: they would lead out of it.
Result<std::string> find_compose_file(const std::string& folder, const GitPlace& place);

}  // namespace consort::project

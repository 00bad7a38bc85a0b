// Access to Git repositories that belong to others, through the user's git program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort {

struct GitAddress {
  std::string remote;
  std::string reference;  // branch, tag or commit; "" is the default branch
  std::string path;       // within the repository, as written; "" is the root
};
// Parses "https://host/repository.git#reference:path". Code::invalid for anything that git would take for an option or
// for a program to run ("ext::...").
Result<GitAddress> parse_git_address(std::string_view text);

bool is_git_commit(std::string_view text);  // a full object name: 40 or 64 hexadecimal digits

// Runs git in a directory and returns its output. git never prompts for a password, nothing from the repository is
// executed, and environment variables that point to the caller's own repository (set in a git hook) are ignored. When
// cancel_fd (borrowed; -1: never) becomes readable, git is killed: Code::interrupted.
Result<std::string> run_git(const std::vector<std::string>& arguments, const std::string& directory, int cancel_fd);

// Turns an existing, empty directory into a repository with the files of a branch, tag or commit, fetching as little
// history as the server allows.
Result<> git_check_out(const std::string& remote, const std::string& wanted, const std::string& directory,
                       int cancel_fd);

}  // namespace consort

// Repositories of others, read by the user's git program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort {

struct GitAddress {
  std::string remote;
  std::string reference;  // branch, tag or commit; "" is the default branch
  std::string path;       // in the repository, as it is written; "" is the top
};
// "https://host/repository.git#reference:path". Code::invalid for what git would take for an option, or for a program
// to run ("ext::...").
Result<GitAddress> parse_git_address(std::string_view text);

bool is_git_commit(std::string_view text);  // the whole name of one: 40 or 64 hexadecimal digits

// Runs git in a directory and gives what it prints. Nobody is asked for a password, nothing of the repository runs, and
// variables by which the caller's own repository is meant (in a hook of git's) do not count. Once cancel_fd (-1: never)
// can be read, git is killed: Code::interrupted.
Result<std::string> run_git(const std::vector<std::string>& arguments, const std::string& directory, int cancel_fd);

// Makes a directory, which is there and empty, a repository with the files of a branch, tag or commit, and with as
// little of its history as the server allows.
Result<> git_check_out(const std::string& remote, const std::string& wanted, const std::string& directory,
                       int cancel_fd);

}  // namespace consort

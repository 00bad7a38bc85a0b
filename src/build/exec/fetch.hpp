// ADD from remote sources: a file over HTTP, a git repository.
#pragma once

#include <functional>
#include <string>

#include "base/error.hpp"

namespace consort::build {

struct Fetched {
  std::string path;           // of the file, or of the directory with the repository's files
  std::string name;           // the name of the file
  std::string identity;       // digest of the content, or the commit
  std::int64_t modified = 0;  // seconds since 1970; 0: unknown
};

// Downloads into `directory`. checksum: "sha256:..." or "". cancel_fd (borrowed): readable to cancel; -1: never.
Result<Fetched> fetch_url(const std::string& url, const std::string& checksum, const std::string& directory,
                          int cancel_fd);

bool is_git_url(std::string_view text);   // git@, git://, ssh://, github.com/, http(s)://....git
bool is_http_url(std::string_view text);  // but not a git URL
enum class GitDirectory : std::uint8_t { remove, keep };
// url: "https://host/x.git#ref:dir".
Result<Fetched> fetch_git(const std::string& url, const std::string& checksum, GitDirectory git_directory,
                          const std::string& directory, int cancel_fd);

}  // namespace consort::build

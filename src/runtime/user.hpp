// Resolves users and groups with a container's own files. getpwnam would read the host's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::runtime {

struct ResolvedUser {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;  // supplementary
  std::string home = "/";
  std::string name;  // "" if passwd does not have the uid
};

// user: "", "name", "uid", "name:group", "uid:gid". root: descriptor of the container's root directory; files are
// opened inside it and read up to 10 MiB. Errors: unable to find user X: no matching entries in passwd file (likewise
// for groups).
Result<ResolvedUser> resolve_user(int root, const std::string& user, const std::vector<std::string>& group_add = {});
// The same with the files' texts.
Result<ResolvedUser> resolve_user_in(std::string_view passwd, std::string_view group, const std::string& user,
                                     const std::vector<std::string>& group_add = {});
// "user[:group]" of COPY --chown and of the directory that WORKDIR creates. A number is used directly, also for the
// group unless one is given; a name that the files do not have is 0:0, or, for a group, leaves the user's group. Both
// are as in Docker.
struct Ownership {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string unknown;  // "user x" or "group x" if the files lack that name
};
Result<Ownership> resolve_ownership(int root, const std::string& text);
// Whether resolve_ownership has to read the files.
bool names_an_owner(const std::string& text);

}  // namespace consort::runtime

// Names of users and groups as a container's own files define them. getpwnam would read the host's.
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
  std::string name;  // "" when the uid is not in passwd
};

// user: "", "name", "uid", "name:group", "uid:gid". root: descriptor of the container's root directory; files are
// opened inside it and read up to 10 MiB. Errors: unable to find user X: no matching entries in passwd file (and group
// likewise).
Result<ResolvedUser> resolve_user(int root, const std::string& user, const std::vector<std::string>& group_add = {});
// The same on texts.
Result<ResolvedUser> resolve_user_in(std::string_view passwd, std::string_view group, const std::string& user,
                                     const std::vector<std::string>& group_add = {});
// "user[:group]" of COPY --chown and of the directory that WORKDIR makes. A number is taken as it is and is the
// group's, too, unless that is given; a name that the files do not know is 0:0, or leaves the user's group; both as in
// Docker.
struct Ownership {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string unknown;  // "user x" or "group x" if the files have no such name
};
Result<Ownership> resolve_ownership(int root, const std::string& text);
// True if resolve_ownership has to read the files.
bool names_an_owner(const std::string& text);

}  // namespace consort::runtime

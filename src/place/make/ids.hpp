// Which users a user namespace of a non-root user may have.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::place {

struct IdRange {
  std::uint32_t first = 0;  // on the host
  std::uint32_t count = 0;
  bool operator==(const IdRange&) const = default;
};

// The lines of /etc/subuid or /etc/subgid that are of this user, by name or by number. Lines that cannot be read, and
// ranges that leave the 32 bits, are not there.
std::vector<IdRange> parse_subordinate(std::string_view text, std::string_view name, uid_t uid);

// The name of this user in /etc/passwd (or wherever nsswitch.conf says); its number if it has none.
std::string user_name(uid_t uid);

// Arguments of newuidmap after the process: the user is root inside, then come the ranges, one after the other.
std::vector<std::string> map_arguments(std::uint32_t own, const std::vector<IdRange>& ranges);

}  // namespace consort::place

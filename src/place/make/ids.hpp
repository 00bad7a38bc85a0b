// Determines the user IDs that a rootless user's namespace may have.
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

// The lines of /etc/subuid or /etc/subgid for this user, given by name or number. Skips malformed lines and ranges
// beyond 32 bits.
std::vector<IdRange> parse_subordinate(std::string_view text, std::string_view name, uid_t uid);

// The user's name in /etc/passwd (or wherever nsswitch.conf says), else its number.
std::string user_name(uid_t uid);

// The arguments of newuidmap after the PID: the user becomes root inside, followed by the ranges one after another.
std::vector<std::string> map_arguments(std::uint32_t own, const std::vector<IdRange>& ranges);

}  // namespace consort::place

// Boolean values as Go's strconv.ParseBool reads them: what Docker accepts in flags, Dockerfiles and driver options.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace consort {

// nullopt: neither true nor false.
inline std::optional<bool> parse_go_bool(std::string_view text) {
  constexpr std::array<std::string_view, 6> yes{"1", "t", "T", "true", "TRUE", "True"};
  constexpr std::array<std::string_view, 6> no{"0", "f", "F", "false", "FALSE", "False"};
  if (std::ranges::count(yes, text) > 0) return true;
  if (std::ranges::count(no, text) > 0) return false;
  return std::nullopt;
}

}  // namespace consort

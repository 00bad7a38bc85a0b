// "did you mean".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace consort::build {

// The name in a directory that comes nearest to the last part of a path which is not there; the path with it.
std::optional<std::string> neighbour_of(const std::string& path);
// At most two letters away, upper and lower case apart; never the word itself.
std::optional<std::string> suggestion(std::string_view word, std::span<const std::string> known);

}  // namespace consort::build

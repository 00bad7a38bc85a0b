// Suggestions for "did you mean".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace consort::build {

// The existing path that is closest to one that does not exist: its last component is replaced with a similar name in
// the same directory.
std::optional<std::string> neighbour_of(const std::string& path);
// At most two edits away, case-sensitive; never the word itself.
std::optional<std::string> suggestion(std::string_view word, std::span<const std::string> known);

}  // namespace consort::build

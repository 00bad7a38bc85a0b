// Where a path leads, and whether one lies in another. What compares paths takes clean ones (clean_path), which end
// with a '/' only as "/" itself: "/ab" does not lie in "/a".
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"

namespace consort {

// Absolute, without links and dots. `what` is for the error, which has the path.
Result<std::string> real_path(const std::string& path, std::string what = "find");
// The same for as much of the path as exists; the rest stays as it is.
std::string real_path_so_far(const std::string& path);

bool lies_below(const std::string& path, const std::string& directory);
bool lies_in(const std::string& path, const std::string& directory);  // below it, or it is the directory itself
// The path relative to the directory; nullopt: it does not lie below it.
std::optional<std::string> path_below(const std::string& path, const std::string& directory);

}  // namespace consort

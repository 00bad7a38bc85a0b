// Shows the changes of a fix, as `diff -u` does.
#pragma once

#include <string>
#include <string_view>

namespace consort::cli {

// "" if the texts are the same.
std::string line_diff(const std::string& name, std::string_view before, std::string_view after);

}  // namespace consort::cli

// A command line in one string, for --entrypoint.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace consort::cli {

// "it's 'a b'" as a shell would split it.
std::vector<std::string> shell_words(std::string_view text);

}  // namespace consort::cli

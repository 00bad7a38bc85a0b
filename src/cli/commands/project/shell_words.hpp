// Splits a command line given as one string, for --entrypoint.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace consort::cli {

// Splits "it's 'a b'" as a shell would.
std::vector<std::string> shell_words(std::string_view text);

}  // namespace consort::cli

// Finds existing tags that resemble an unknown one, for hints.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace consort::image {

// Returns at most `count` of the known tags, the most similar first, without those that bear no resemblance.
std::vector<std::string> similar_tags(std::string_view wanted, const std::vector<std::string>& known,
                                      std::size_t count = 5);

}  // namespace consort::image

// "Which tags exist that look like it?"
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace consort::image {

// At most `count` of the known tags, the most similar first; those that look nothing like it are left out.
std::vector<std::string> similar_tags(std::string_view wanted, const std::vector<std::string>& known,
                                      std::size_t count = 5);

}  // namespace consort::image

// Which commands must work on a full disk.
#pragma once

#include <string_view>

namespace consort::cli {

// "image prune" and its like: it stops or removes something, and so it is such commands that change it.
bool makes_room(std::string_view command);

}  // namespace consort::cli

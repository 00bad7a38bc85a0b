// Which commands must work on a full disk.
#pragma once

#include <string_view>

namespace consort::cli {

// Whether a command stops or removes something ("image prune" and similar) and so can free disk space.
bool makes_room(std::string_view command);

}  // namespace consort::cli

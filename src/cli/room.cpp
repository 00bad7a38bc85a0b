#include "cli/room.hpp"

#include <algorithm>
#include <array>

namespace consort::cli {

bool makes_room(std::string_view command) {
  constexpr std::array<std::string_view, 5> words{"down", "kill", "prune", "rm", "stop"};
  if (command == "internal sweep" || command == "internal remove-ended") return true;
  return std::ranges::find(words, command.substr(command.rfind(' ') + 1)) != words.end();
}

}  // namespace consort::cli

// Docker's other names for commands, so that lines of a tutorial work.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace consort::cli {

// "container stop x" -> "stop x", "rmi x" -> "image rm x", "convert" -> "config"; anything else stays.
void resolve_aliases(std::vector<std::string>& words);
// What they stand for: "image rm", "ps --all-projects".
std::vector<std::string_view> alias_targets();

// A plug-in gets the whole line of `docker`: "--context x compose up" -> "up". The directory of --config, or "".
std::string take_docker_flags(std::vector<std::string>& words);

}  // namespace consort::cli

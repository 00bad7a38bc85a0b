// Docker's alternative command names, so that command lines from tutorials work.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace consort::cli {

// "container stop x" -> "stop x", "rmi x" -> "image rm x", "convert" -> "config"; anything else is unchanged.
void resolve_aliases(std::vector<std::string>& words);
// What they stand for: "image rm", "ps --all-projects".
std::vector<std::string_view> alias_targets();

// Removes docker's own flags; a CLI plug-in gets the complete command line of `docker`: "--context x compose up" ->
// "up". Returns the directory of --config, or "".
std::string take_docker_flags(std::vector<std::string>& words);

}  // namespace consort::cli

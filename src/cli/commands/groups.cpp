// The groups of commands that --help shows.
#include "cli/args/command.hpp"

namespace consort::cli {

namespace {

constexpr std::string_view common[] = {"up", "down", "ps", "logs", "exec", "run", "build", "config", "restart", "stop"};
constexpr std::string_view running[] = {"create", "start", "kill",  "pause", "unpause", "rm",
                                        "scale",  "wait",  "watch", "job",   "boot"};
constexpr std::string_view looking[] = {"ls",    "system", "bridge",  "events", "images", "port",
                                        "stats", "top",    "volumes", "doctor", "version"};
constexpr std::string_view inside[] = {"attach", "commit", "container", "cp", "export", "inspect", "runtime", "alpha"};
constexpr std::string_view of_the_machine[] = {"image",  "volume", "network", "builder", "login",
                                               "logout", "pull",   "push",    "publish", "serve"};

constexpr CommandGroup groups[] = {
    {"Common commands", common},
    {"Run and stop containers", running},
    {"Look around", looking},
    {"Work with one container", inside},
    {"Images, registries, volumes and networks", of_the_machine},
};

}  // namespace

std::span<const CommandGroup> command_groups() {
  return groups;
}

}  // namespace consort::cli

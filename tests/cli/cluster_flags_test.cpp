// What flags do on a cluster: each that has no effect there is listed here, so that a new one is decided upon.
#include "cli/commands/cluster/cluster_flags.hpp"

#include <gtest/gtest.h>

#include <string>

#include "cli/args/command.hpp"

namespace consort::cli {
namespace {

std::string flags_with(std::string_view command, FlagFate fate) {
  const Command* found = find_command(command);
  EXPECT_NE(found, nullptr) << command;
  std::string names;
  for (const Flag& flag : found ? found->flags : std::span<const Flag>())
    if (fate_on_cluster(command, flag.name) == fate) names += (names.empty() ? "" : " ") + std::string(flag.name);
  return names;
}

TEST(ClusterFlags, AreNotDroppedInSilence) {
  const auto warned = [](std::string_view command) { return flags_with(command, FlagFate::warned); };
  const auto refused = [](std::string_view command) { return flags_with(command, FlagFate::refused); };
  EXPECT_EQ(warned("up"), "always-recreate-deps attach attach-dependencies force-recreate no-attach pull timeout");
  EXPECT_EQ(refused("up"),
            "abort-on-container-exit abort-on-container-failure exit-code-from no-recreate no-start "
            "renew-anon-volumes timings watch");
  EXPECT_EQ(refused("exec"), "detach privileged user");
  EXPECT_EQ(warned("run"), "pull");
  EXPECT_EQ(refused("run"), "cap-add cap-drop label publish service-ports use-aliases volume");
  EXPECT_EQ(refused("down"), "rmi");
  EXPECT_EQ(refused("logs"), "index until");
  EXPECT_EQ(refused("ls"), "filter");
  EXPECT_EQ(refused("ps"), "all-projects filter last latest");
  EXPECT_EQ(refused("wait"), "down-project");
  EXPECT_EQ(warned("attach"), "sig-proxy");
  EXPECT_EQ(warned("start"), "wait wait-timeout");
  for (const char* command : {"down", "restart", "stop"}) EXPECT_EQ(warned(command), "timeout") << command;
  for (const char* command : {"cp", "events", "exec", "images", "kill", "logs", "ls", "port", "ps", "rm", "scale",
                              "stats", "top", "volume export", "volume import", "volumes", "wait", "watch"})
    EXPECT_EQ(warned(command), "") << command;
}

}  // namespace
}  // namespace consort::cli

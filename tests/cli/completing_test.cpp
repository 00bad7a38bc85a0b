#include "cli/args/completing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace consort::cli {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

Completing typed(std::vector<std::string> words) {
  return completing(words);
}

std::vector<std::string> words(std::vector<std::string> line) {
  std::vector<std::string> found;
  for (const Candidate& candidate : typed(std::move(line)).candidates) found.push_back(candidate.word);
  return found;
}

TEST(Completing, CommandsAndGroups) {
  EXPECT_THAT(words({"res"}), ElementsAre("restart"));
  EXPECT_THAT(words({"image", "pu"}), ElementsAre("pull", "push"));
  EXPECT_THAT(words({""}),
              AllOf(Contains("up"), Contains("image"), Not(Contains("internal")), Not(Contains("ls image"))));
  EXPECT_EQ(std::ranges::count(words({""}), "image"), 1);
  EXPECT_THAT(words({"-f", "a.yaml", "compose", "dow"}), ElementsAre("down"));
  EXPECT_THAT(words({"help", "dow"}), ElementsAre("down"));
}

TEST(Completing, FlagsOfThePlace) {
  EXPECT_THAT(words({"--proj"}), ElementsAre("--project-directory", "--project-name"));
  EXPECT_THAT(words({"up", "--abort"}), ElementsAre("--abort-on-container-exit", "--abort-on-container-failure"));
  EXPECT_THAT(words({"up", "web", "--wai"}), ElementsAre("--wait", "--wait-timeout"));
  EXPECT_THAT(words({"up", "-"}), AllOf(Contains("-d"), Contains("--help"), Contains("--dry-run")));
  EXPECT_THAT(words({"up", "--", "--wai"}), IsEmpty());
}

TEST(Completing, ValuesOfFlags) {
  EXPECT_THAT(words({"--progress", "p"}), ElementsAre("plain"));
  EXPECT_THAT(words({"--progress=p"}), ElementsAre("--progress=plain"));
  EXPECT_THAT(words({"down", "--rmi", ""}), ElementsAre("local", "all"));
  EXPECT_THAT(words({"create", "--pull", "b"}), ElementsAre("build"));
  EXPECT_THAT(words({"up", "--pull", "b"}), IsEmpty());
  EXPECT_THAT(words({"up", "--detach="}), ElementsAre("--detach=true", "--detach=false"));
  EXPECT_EQ(typed({"-f", ""}).wanted, Wanted::files);
  EXPECT_EQ(typed({"--project-directory", ""}).wanted, Wanted::directories);
  EXPECT_EQ(typed({"-p", ""}).wanted, Wanted::projects);
  EXPECT_EQ(typed({"config", "-o", ""}).wanted, Wanted::files);
  EXPECT_EQ(typed({"up", "--exit-code-from", ""}).wanted, Wanted::services);
  EXPECT_EQ(typed({"up", "--scale", "w"}).wanted, Wanted::service_counts);
  EXPECT_EQ(typed({"up", "-t", ""}).wanted, Wanted::nothing);
  const Completing profile = typed({"--profile=de"});
  EXPECT_EQ(profile.wanted, Wanted::profiles);
  EXPECT_EQ(profile.before, "--profile=");
  EXPECT_EQ(profile.partial, "de");
}

TEST(Completing, Arguments) {
  EXPECT_EQ(typed({"up", "w"}).wanted, Wanted::services);
  EXPECT_EQ(typed({"logs", "-f", "w"}).wanted, Wanted::services_or_containers);
  EXPECT_EQ(typed({"logs", "web", ""}).wanted, Wanted::services_or_containers);
  EXPECT_EQ(typed({"exec", "w"}).wanted, Wanted::services_or_containers);
  EXPECT_EQ(typed({"exec", "-T", "web", "s"}).wanted, Wanted::nothing) << "a program in the container";
  EXPECT_EQ(typed({"exec", "web", "ls", "-"}).wanted, Wanted::nothing) << "its flags are not ours";
  EXPECT_EQ(typed({"run", "-v", ""}).wanted, Wanted::files);
  EXPECT_EQ(typed({"scale", "w"}).wanted, Wanted::service_counts);
  EXPECT_EQ(typed({"cp", "w"}).wanted, Wanted::service_paths);
  EXPECT_EQ(typed({"image", "rm", ""}).wanted, Wanted::images);
  EXPECT_EQ(typed({"image", "import", ""}).wanted, Wanted::files);
  EXPECT_EQ(typed({"volume", "rm", "a", ""}).wanted, Wanted::volumes);
  EXPECT_EQ(typed({"volume", "clone", "a", ""}).wanted, Wanted::nothing) << "a new name";
  EXPECT_EQ(typed({"volume", "import", "a", ""}).wanted, Wanted::files);
  EXPECT_EQ(typed({"network", "inspect", ""}).wanted, Wanted::networks);
  EXPECT_EQ(typed({"network", "rm", "a", ""}).wanted, Wanted::own_networks) << "the default bridge cannot be removed";
  EXPECT_EQ(typed({"ls", ""}).wanted, Wanted::nothing);
  EXPECT_THAT(words({"port", "web", ""}), IsEmpty());
}

TEST(Completing, ArgumentsThatAreNoServices) {
  EXPECT_EQ(typed({"run", ""}).wanted, Wanted::services_to_run);
  EXPECT_EQ(typed({"run", "web", ""}).wanted, Wanted::nothing);
  EXPECT_EQ(typed({"container", "run", "debian", ""}).wanted, Wanted::nothing) << "a program in the container";
  EXPECT_EQ(typed({"container", "wait", "a", ""}).wanted, Wanted::containers);
  EXPECT_EQ(typed({"container", "rename", "a", ""}).wanted, Wanted::nothing) << "a new name";
  EXPECT_EQ(typed({"network", "connect", ""}).wanted, Wanted::networks);
  EXPECT_EQ(typed({"network", "connect", "n", ""}).wanted, Wanted::containers);
  EXPECT_EQ(typed({"inspect", "a", ""}).wanted, Wanted::objects);
  EXPECT_EQ(typed({"job", "logs", ""}).wanted, Wanted::jobs);
  EXPECT_EQ(typed({"bridge", "transformations", "create", ""}).wanted, Wanted::directories);
  EXPECT_THAT(words({"boot", ""}), ElementsAre("enable", "disable", "status"));
  EXPECT_THAT(words({"boot", "enable", ""}), IsEmpty());
}

TEST(Completing, ACommandWithCommandsBelowIt) {
  const Completing beside = typed({"export", ""});
  EXPECT_EQ(beside.wanted, Wanted::services_or_containers);
  EXPECT_THAT(words({"export", ""}), ElementsAre("kubernetes", "quadlet", "systemd"));
  EXPECT_THAT(words({"export", "quadlet", "--pod"}), ElementsAre("--podman"));
  EXPECT_EQ(typed({"export", "quadlet", "-o", ""}).wanted, Wanted::directories);
  EXPECT_EQ(typed({"export", "web", "-o", ""}).wanted, Wanted::files);
}

TEST(Completing, ValuesOfMoreFlags) {
  EXPECT_THAT(words({"container", "run", "--cap-add", "NET_"}),
              ElementsAre("NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW"));
  EXPECT_THAT(words({"container", "run", "--restart=on"}), ElementsAre("--restart=on-failure"));
  EXPECT_THAT(words({"image", "ls", "--filter", "dang"}), ElementsAre("dangling=true", "dangling=false"));
  EXPECT_THAT(words({"inspect", "--type", "vol"}), ElementsAre("volume"));
  EXPECT_EQ(typed({"container", "run", "--network", ""}).wanted, Wanted::networks);
  EXPECT_EQ(typed({"container", "run", "--volumes-from", ""}).wanted, Wanted::containers);
}

TEST(Completing, NamespacesOfAContainer) {
  EXPECT_THAT(words({"container", "run", "--pid", ""}), ElementsAre("host", "container:"));
  EXPECT_THAT(words({"container", "run", "--ipc=c"}), ElementsAre("--ipc=container:"));
  const Completing pid = typed({"container", "run", "--pid", "container:w"});
  EXPECT_EQ(pid.wanted, Wanted::containers);
  EXPECT_EQ(pid.before, "container:");
  EXPECT_EQ(pid.partial, "w");
  EXPECT_EQ(typed({"container", "run", "--ipc=container:w"}).before, "--ipc=container:");
  EXPECT_EQ(typed({"container", "run", "--uts", "container:w"}).wanted, Wanted::nothing) << "not of this flag";
}

TEST(Completing, GlobalFlagsSayWhichFile) {
  const Completing line = typed({"-f", "a.yaml", "--file=b.yaml", "-pshop", "logs", "-f", ""});
  EXPECT_THAT(line.globals.list("file"), ElementsAre("a.yaml", "b.yaml"));
  EXPECT_EQ(line.globals.text("project-name"), "shop");
  EXPECT_EQ(line.wanted, Wanted::services_or_containers) << "-f of logs is a switch";
}

TEST(Completing, NonsenseIsNothing) {
  EXPECT_EQ(typed({}).wanted, Wanted::words) << "the commands";
  EXPECT_EQ(typed({"nosuch", "x", ""}).wanted, Wanted::nothing);
  EXPECT_EQ(typed({"up", "--nosuch=x"}).wanted, Wanted::nothing);
}

}  // namespace
}  // namespace consort::cli

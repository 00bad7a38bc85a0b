// The image configuration merge: every combination of the image's and the container's ENTRYPOINT and CMD.
#include "engine/container/merge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/config.hpp"

namespace consort::engine {

using testing::ElementsAre;
using testing::HasSubstr;
using Words = std::optional<Strings>;
using std::chrono::seconds;

struct CommandCase {
  const char* name;
  Words entrypoint, command;
  Strings expected;
};

class CommandMerge : public testing::TestWithParam<CommandCase> {};

TEST_P(CommandMerge, FollowsTheTable) {
  image::ImageConfig image;
  image.entrypoint = {"image-entry"};
  image.cmd = {"image-cmd"};
  ContainerSpec spec;
  spec.entrypoint = GetParam().entrypoint;
  spec.command = GetParam().command;
  const Result<ProcessConfig> merged = merge_config(spec, image);
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_EQ(merged->argv, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Section1, CommandMerge,
    testing::Values(CommandCase{"NeitherIsGiven", std::nullopt, std::nullopt, {"image-entry", "image-cmd"}},
                    CommandCase{"CommandIsGiven", std::nullopt, Strings{"c"}, {"image-entry", "c"}},
                    CommandCase{"CommandIsEmpty", std::nullopt, Strings{}, {"image-entry", "image-cmd"}},
                    CommandCase{"CommandIsOneEmptyWord", std::nullopt, Strings{""}, {"image-entry", ""}},
                    CommandCase{"EntrypointIsGiven", Strings{"e"}, std::nullopt, {"e"}},
                    CommandCase{"BothAreGiven", Strings{"e"}, Strings{"c"}, {"e", "c"}},
                    CommandCase{"EntrypointIsEmptyCommandGiven", Strings{}, Strings{"c"}, {"c"}},
                    CommandCase{"EntrypointIsEmptyTextCommandGiven", Strings{""}, Strings{"c"}, {"c"}},
                    CommandCase{"EntrypointIsEmpty", Strings{}, std::nullopt, {"image-cmd"}}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Merge, NothingToRunIsAnError) {
  const Result<ProcessConfig> merged = merge_config(ContainerSpec{}, image::ImageConfig{});
  ASSERT_FALSE(merged);
  EXPECT_EQ(merged.error().message(), "no command specified");
}

TEST(Merge, EnvironmentOfTheContainerComesFirstAndCanTakeAway) {
  EXPECT_THAT(merge_environment({"B=2", "C", "A=1"}, {"PATH=/bin", "A=0", "C=3", "D=4"}),
              ElementsAre("B=2", "A=1", "PATH=/bin", "D=4"));
  EXPECT_THAT(merge_environment({"A=1", "A=2"}, {}), ElementsAre("A=2"));
  EXPECT_THAT(merge_environment({"A="}, {"A=1"}), ElementsAre("A="));
}

TEST(Merge, WhatTheContainerSaysWinsElsewhereTheImageCounts) {
  image::ImageConfig image;
  image.cmd = {"x"};
  image.user = "imager";
  image.working_dir = "/image";
  image.stop_signal = "SIGINT";
  image.labels = {{"a", "image"}, {"b", "image"}};
  image.exposed_ports = {"5432/tcp"};
  image.volumes = {"/data"};
  ContainerSpec spec;
  const ProcessConfig plain = merge_config(spec, image).value();
  EXPECT_EQ(plain.user, "imager");
  EXPECT_EQ(plain.working_dir, "/image");
  EXPECT_EQ(plain.stop_signal, "SIGINT");
  EXPECT_THAT(plain.volumes, ElementsAre("/data"));
  spec.user = "1000";
  spec.working_dir = "/own";
  spec.stop_signal = "SIGQUIT";
  spec.labels = {{"b", "own"}};
  spec.expose = {"80"};
  spec.ports = {{.host_port = 1, .container_port = 53, .protocol = "udp"}};
  const ProcessConfig own = merge_config(spec, image).value();
  EXPECT_EQ(own.user, "1000");
  EXPECT_EQ(own.working_dir, "/own");
  EXPECT_EQ(own.stop_signal, "SIGQUIT");
  EXPECT_EQ(own.labels, (StringMap{{"a", "image"}, {"b", "own"}}));
  EXPECT_THAT(own.exposed, ElementsAre("53/udp", "5432/tcp", "80/tcp"));
}

TEST(Merge, ARelativeWorkingDirectoryIsRefused) {
  ContainerSpec spec;
  spec.command = Strings{"x"};
  spec.working_dir = "relative";
  EXPECT_EQ(merge_config(spec, {}).error().message(),
            "the working directory 'relative' is invalid, it needs to be an absolute path");
}

TEST(MergeHealth, FieldByField) {
  HealthSpec image;
  image.test = Strings{"CMD", "check"};
  image.interval = seconds(7);
  image.retries = 9;
  HealthSpec own;
  own.timeout = seconds(2);
  const auto merged = merge_health(own, image);
  ASSERT_TRUE(merged);
  EXPECT_THAT(*merged->test, ElementsAre("CMD", "check"));
  EXPECT_EQ(merged->interval, seconds(7));
  EXPECT_EQ(merged->timeout, seconds(2));
  EXPECT_EQ(merged->start_period, seconds(0));
  EXPECT_EQ(merged->start_interval, seconds(5));
  EXPECT_EQ(merged->retries, 9U);
}

TEST(MergeHealth, ZeroInheritsAndNoneDisables) {
  HealthSpec image;
  image.test = Strings{"CMD-SHELL", "true"};
  image.interval = seconds(7);
  HealthSpec own;
  own.interval = seconds(0);
  EXPECT_EQ(merge_health(own, image)->interval, seconds(7));
  own.test = Strings{"NONE"};
  EXPECT_FALSE(merge_health(own, image));
  own.test = Strings{};
  EXPECT_TRUE(merge_health(own, image));
  EXPECT_FALSE(merge_health(own, std::nullopt));  // intervals and the like alone are not a health check
  EXPECT_FALSE(merge_health(std::nullopt, std::nullopt));
}

TEST(MergeHealth, FormsOfTheTest) {
  EXPECT_THAT(health_argv({"CMD", "a", "b c"}, {}), ElementsAre("a", "b c"));
  EXPECT_THAT(health_argv({"CMD-SHELL", "a && b"}, {}), ElementsAre("/bin/sh", "-c", "a && b"));
  EXPECT_THAT(health_argv({"CMD-SHELL", "a"}, {"/bin/bash", "-ec"}), ElementsAre("/bin/bash", "-ec", "a"));
  EXPECT_TRUE(health_argv({"NONE"}, {}).empty());
  EXPECT_TRUE(health_argv({}, {}).empty());
}

}  // namespace consort::engine

// The protocol with providers, with scripts as providers.
#include "project/exec/provider.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdlib>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "project/exec/model_runner.hpp"

namespace consort::project::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(MessageReader, ObjectsHoweverTheyComeInPieces) {
  const std::string text = "{\"type\":\"info\"}{\"a\": \"}\\\"{\"}\n\n  {\n \"b\": [{}]\n}\n";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    MessageReader reader;
    std::vector<std::string> objects;
    for (std::size_t at = 0; at < text.size(); at += size)
      ASSERT_TRUE(reader.feed(std::string_view(text).substr(at, size), [&](std::string_view object) -> Result<> {
        objects.emplace_back(object);
        return {};
      }));
    EXPECT_THAT(objects, ElementsAre("{\"type\":\"info\"}", "{\"a\": \"}\\\"{\"}", "{\n \"b\": [{}]\n}"));
    EXPECT_TRUE(reader.between_objects());
  }
}

TEST(MessageReader, WhatIsNoObjectIsGivenAsItsLine) {
  MessageReader reader;
  std::vector<std::string> objects;
  const auto take = [&](std::string_view object) -> Result<> {
    objects.emplace_back(object);
    return {};
  };
  ASSERT_TRUE(reader.feed("it's \"here\n{}x\ny", take));
  EXPECT_THAT(objects, ElementsAre("it's \"here", "{}", "x"));
  EXPECT_EQ(reader.unfinished(), "y");
  EXPECT_FALSE(reader.feed(std::string(std::size_t{2} << 20, 'y'), take));
}

class ProviderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "consort-provider-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    environment_ = {{"PATH", directory_ + "/bin:/usr/bin:/bin"}, {"HOME", directory_}};
    provider_.type = "cloud";
    provider_.options = {{"size", {"10"}}, {"zone", {"a", "b"}}};
  }
  void TearDown() override { EXPECT_TRUE(remove_tree(directory_)); }

  void script(const std::string& path, const std::string& body) {
    const std::string whole = directory_ + "/" + path;
    ASSERT_TRUE(make_directories(dir_name(whole)));
    ASSERT_TRUE(write_file_atomic(whole, "#!/bin/sh\n" + body, 0755));
  }
  // A provider that records its arguments and does not support metadata.
  void says(const std::string& body) {
    script("bin/cloud", "[ \"$2\" = metadata ] && exit 1\necho \"$@\" >> " + directory_ + "/calls\n" + body);
  }
  std::string calls() { return read_file(directory_ + "/calls").value_or(""); }

  Result<ProviderAnswer> run(ProviderCommand command = ProviderCommand::up) {
    ProviderListener listener;
    listener.info = [this](const std::string& line) { told_.push_back(line); };
    listener.debug = [this](const std::string& text) { told_.push_back("debug: " + text); };
    listener.stopping = [this] { told_.emplace_back("stopping"); };
    const ProviderCall call{project_, service_, provider_, command, environment_, directory_};
    const auto cancel = Cancellation::create();
    return run_provider(call, listener, *cancel);
  }
  std::string error() {
    const auto answer = run();
    return answer ? "none" : answer.error().message();
  }

  std::string directory_, project_ = "app", service_ = "database";
  compose::Provider provider_;
  compose::StringMap environment_;
  std::vector<std::string> told_;
};

TEST_F(ProviderTest, IsCalledAndHeard) {
  says(R"(printf '%s\n' '{"type":"info","message":"half \u001b[31mdone\nmore"}'
echo '{"type":"debug","message":"x"}'
echo '{"type":"setenv","message":"URL=http://a?b=c"}'
echo '{"type":"rawsetenv","message":"KEY="}')");
  const auto answer = run();
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(calls(), "compose --project-name=app up --size=10 --zone=a --zone=b database\n");
  EXPECT_THAT(answer->variables, ElementsAre(Pair("URL", "http://a?b=c")));
  EXPECT_THAT(answer->raw_variables, ElementsAre(Pair("KEY", "")));
  EXPECT_THAT(told_, ElementsAre("half [31mdone", "debug: x"));
}

TEST_F(ProviderTest, HasTheProjectsEnvironmentAndNothingElse) {
  environment_["FROM_DOT_ENV"] = "yes";
  says("ls -l /proc/self/fd > " + directory_ + "/fds; read -r line && exit 9\n" +
       R"(echo "{\"type\":\"setenv\",\"message\":\"X=$FROM_DOT_ENV $(pwd)\"}")");
  const auto answer = run();
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->variables.at("X"), "yes " + directory_);
  // Its three, and the one with which `ls` reads the directory.
  const std::string fds = read_file(directory_ + "/fds").value_or("");
  EXPECT_EQ(std::ranges::count(fds, '>'), 4) << fds;
}

TEST_F(ProviderTest, AnErrorIsWhatItSays) {
  says("echo '{\"type\":\"error\",\"message\":\"no\\u0007 quota\"}'; exit 0");
  EXPECT_EQ(error(), "failed to create service \"database\" by provider \"cloud\": no quota");
}

TEST_F(ProviderTest, AFailureTellsWhatItWroteToStandardError) {
  says("echo first >&2; echo 'not logged in' >&2; exit 3");
  const auto answer = run(ProviderCommand::down);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message(), "failed to remove service \"database\" by provider \"cloud\": exit status 3");
  EXPECT_EQ(answer.error().hint_text(), "first\nnot logged in");
}

TEST_F(ProviderTest, WhatIsNoMessageIsShown) {
  says("echo Hello there; sleep 100");
  EXPECT_EQ(error(), "invalid response from provider \"cloud\": Hello there");
  says(R"(echo '{"type":"hello"}')");
  EXPECT_EQ(error(), R"(invalid response from provider "cloud": {"type":"hello"})");
  says(R"(echo '{"type":"setenv","message":"=x"}')");
  EXPECT_EQ(error(), "invalid response from provider \"cloud\": =x");
  says("printf '{\"type\"'");
  EXPECT_EQ(error(), R"(invalid response from provider "cloud": {"type")");
}

TEST_F(ProviderTest, IsNotWaitedForByWhatItLeavesBehind) {
  says("sleep 1000 & echo '{\"type\":\"setenv\",\"message\":\"PID='$!'\"}'");
  const auto answer = run();
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(::kill(std::atoi(answer->variables.at("PID").c_str()), SIGKILL), 0);
}

TEST_F(ProviderTest, IsAPluginOfDockerFirst) {
  says("exit 1");
  script(".docker/cli-plugins/docker-cloud", R"(echo '{"type":"setenv","message":"BY=plugin"}')");
  EXPECT_EQ(run()->variables.at("BY"), "plugin");
  environment_["DOCKER_CONFIG"] = directory_ + "/other";
  EXPECT_THAT(error(), HasSubstr("exit status 1"));
  ASSERT_TRUE(make_directories(directory_ + "/other"));
  ASSERT_TRUE(
      write_file_atomic(directory_ + "/other/config.json", "{\"cliPluginsExtraDirs\":[\"" + directory_ + "/extra\"]}"));
  script("extra/docker-cloud", R"(echo '{"type":"setenv","message":"BY=extra"}')");
  EXPECT_EQ(run()->variables.at("BY"), "extra");
}

TEST_F(ProviderTest, ThatIsMissingIsNotFound) {
  const auto answer = run();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::not_found);
  EXPECT_EQ(answer.error().message(),
            "provider \"cloud\" not found: there is no Docker CLI plugin docker-cloud and no program cloud in PATH");
  ASSERT_TRUE(make_directories(directory_ + "/bin/cloud"));  // a directory is no program
  EXPECT_THAT(error(), HasSubstr("not found"));
  provider_.type = "compose";
  EXPECT_EQ(error(), "'compose' is not a valid provider type");
}

constexpr const char* metadata = R"(if [ "$2" = metadata ]; then
echo '{"description":"d","up":{"parameters":[{"name":"size","required":true},{"name":"other"}]},
"down":{"parameters":[{"name":"id","required":true}]},"stop":{"parameters":[]}}'; exit; fi
)";

TEST_F(ProviderTest, GetsTheOptionsThatItsMetadataNames) {
  script("bin/cloud", std::string(metadata) + "echo \"$@\" >> " + directory_ + "/calls\n");
  ASSERT_TRUE(run());
  ASSERT_TRUE(run(ProviderCommand::stop));
  EXPECT_EQ(calls(), "compose --project-name=app up --size=10 database\ncompose --project-name=app stop database\n");
  EXPECT_THAT(told_, ElementsAre("stopping"));
  const auto down = run(ProviderCommand::down);
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().message(), "required parameter \"id\" is missing from provider \"cloud\" definition");
}

TEST_F(ProviderTest, IsNotAskedToStopUnlessItsMetadataSaysSo) {
  says("");
  ASSERT_TRUE(run(ProviderCommand::stop));
  EXPECT_EQ(calls(), "");
  EXPECT_THAT(told_, IsEmpty());
}

// On an interrupt it is notified, and may end in its own way.
TEST_F(ProviderTest, HearsThatTheUserWantsToStop) {
  says("trap 'echo ended > " + directory_ + "/ended; exit' TERM\n" + R"(echo '{"type":"info","message":"begun"}'
while :; do sleep 0.01; done)");
  const auto cancel = Cancellation::create();
  ProviderListener listener;
  listener.info = [&](const std::string&) { cancel->request(Cancellation::By::user); };
  const ProviderCall call{project_, service_, provider_, ProviderCommand::up, environment_, directory_};
  const auto answer = run_provider(call, listener, *cancel);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::interrupted);
  EXPECT_EQ(read_file(directory_ + "/ended").value_or(""), "ended\n");
}

TEST_F(ProviderTest, AModelRunnerIsAskedAsDockerAsksIt) {
  const auto cancel = Cancellation::create();
  EXPECT_EQ(ModelRunner::find(environment_, directory_).error().message(),
            "'models' support requires Docker Model plugin");
  script(".docker/cli-plugins/docker-model", R"(case $1 in
ls) echo '[{"tags":["ai/one","ai/two"]},{"tags":["ai/three"]}]';;
status) echo '{"running":true,"endpoint":"http://m/v1"}';;
docker-cli-plugin-metadata) echo "{\"Version\":\"$VERSION\"}";;
*) echo "$@" >> $HOME/calls;;
esac)");
  const auto runner = ModelRunner::find(environment_, directory_);
  ASSERT_TRUE(runner);
  const auto state = runner->look(*cancel);
  ASSERT_TRUE(state) << state.error().message();
  EXPECT_EQ(state->endpoint, "http://m/v1");
  EXPECT_THAT(state->models, ElementsAre("ai/one", "ai/three", "ai/two"));
  std::vector<std::string> warnings;
  const ModelRunner::Listener listener{.status = [](const std::string&) {},
                                       .warn = [&](const std::string& text) { warnings.push_back(text); }};
  PrepareModel wanted{.model = {.model = "ai/four", .context_size = 4096, .runtime_flags = {"--x"}}, .pull = true};
  environment_["VERSION"] = "v1.0.5";
  ASSERT_TRUE(runner->prepare(wanted, listener, *cancel));
  EXPECT_EQ(warnings.size(), 1U);
  environment_["VERSION"] = "v1.0.10";
  wanted.pull = false;
  ASSERT_TRUE(runner->prepare(wanted, listener, *cancel));
  EXPECT_EQ(calls(),
            "pull ai/four\nconfigure --context-size 4096 ai/four\nconfigure --context-size 4096 ai/four -- --x\n");
}

}  // namespace
}  // namespace consort::project::test

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "project/watch/rules.hpp"
#include "scene.hpp"

namespace consort::project {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class WatchRulesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "consort-rules-XXXXXX";
    ASSERT_TRUE(::mkdtemp(pattern.data()));
    directory = fs::canonical(pattern);
    fs::create_directories(directory + "/src/pkg");
    std::ofstream(directory + "/compose.conf") << "x";
  }
  void TearDown() override { fs::remove_all(directory); }

  // @ stands for the directory.
  Result<WatchRules> rules_of(std::string yaml, Rebuilds rebuilds = Rebuilds::allowed) {
    for (std::size_t at = 0; (at = yaml.find('@', at)) != std::string::npos;) yaml.replace(at, 1, directory);
    project = test::project_of(yaml);
    return watch_rules(project, rebuilds);
  }
  WatchRules good(const std::string& yaml) {
    auto rules = rules_of(yaml);
    EXPECT_TRUE(rules) << rules.error().message();
    return rules ? std::move(*rules) : WatchRules{};
  }
  std::string refused(const std::string& yaml, Rebuilds rebuilds = Rebuilds::allowed) {
    const auto rules = rules_of(yaml, rebuilds);
    return rules ? "" : rules.error().message();
  }
  // Those of the paths that are copied for service a.
  std::vector<std::string> copied(const WatchRules& rules, std::vector<std::string> paths) {
    for (std::string& path : paths) path = directory + path;
    std::vector<std::string> result;
    Reaction reaction = react(rules, paths);
    for (const SyncedPath& each : reaction.sync["a"]) result.push_back(each.path.substr(directory.size()));
    return result;
  }

  std::string directory;
  compose::Project project;
};

TEST_F(WatchRulesTest, EachActionAsksForItsOwn) {
  const WatchRules rules = good(R"(
services:
  a:
    image: x
    build: {context: '@'}
    develop:
      watch:
        - {action: sync, path: '@/src', target: /app}
        - {action: rebuild, path: '@/Dockerfile'}
        - {action: sync+restart, path: '@/compose.conf', target: /etc/app.conf}
  b:
    image: x
    develop:
      watch:
        - {action: restart, path: '@/src/pkg'}
        - {action: sync+exec, path: '@/src', target: /app, exec: {command: reload}}
)");
  EXPECT_THAT(rules.roots(), ElementsAre(directory + "/Dockerfile", directory + "/compose.conf", directory + "/src"));
  const auto asks = [&](const std::string& path) { return react(rules, {directory + path}); };
  EXPECT_THAT(asks("/Dockerfile").rebuild, ElementsAre("a"));
  EXPECT_TRUE(asks("/Dockerfile").sync.empty());
  EXPECT_THAT(asks("/compose.conf").restart, ElementsAre("a"));
  EXPECT_EQ(asks("/compose.conf").sync.at("a").size(), 1U);
  const Reaction both = react(rules, {directory + "/src/pkg/m.py", directory + "/src/pkg/n.py"});
  EXPECT_EQ(both.sync.at("a").size(), 2U);
  EXPECT_EQ(both.sync.at("b").size(), 2U);
  EXPECT_THAT(both.restart, ElementsAre("b"));
  EXPECT_EQ(both.exec.size(), 1U);  // once, however many files changed
  EXPECT_TRUE(asks("/srcs/m.py").empty());
  EXPECT_TRUE(asks("").empty());
}

TEST_F(WatchRulesTest, PatternsCountFromTheRulesOwnPath) {
  const WatchRules rules = good(R"(
services:
  a:
    image: x
    develop:
      watch:
        - action: sync
          path: '@/src'
          target: /app
          ignore: ['*.tmp', node_modules/, '**/cache', '@/src/pkg/absolute', '!keep.tmp']
)");
  EXPECT_THAT(copied(rules, {"/src/a.py", "/src/a.tmp", "/src/pkg/a.tmp", "/src/node_modules/x/y", "/src/pkg/cache/x",
                             "/src/pkg/absolute", "/src/keep.tmp"}),
              ElementsAre("/src/a.py", "/src/pkg/a.tmp", "/src/keep.tmp"));
  EXPECT_TRUE(rules.skips(directory + "/src/node_modules"));
  EXPECT_FALSE(rules.skips(directory + "/src/pkg"));
  EXPECT_FALSE(rules.skips(directory));
}

TEST_F(WatchRulesTest, IncludeLeavesOutTheRest) {
  const WatchRules rules = good(
      "services: {a: {image: x, develop: {watch: [{action: sync, path: '@/src', target: /app, include: 'A.*'}]}}}");
  EXPECT_THAT(copied(rules, {"/src/A.test", "/src/B.test", "/src/pkg/A.test"}), ElementsAre("/src/A.test"));
}

TEST_F(WatchRulesTest, WhatTheBuildIgnoresIsIgnored) {
  std::ofstream(directory + "/.dockerignore") << "*.log\nsrc/secret\n";
  const WatchRules rules = good(
      "services: {a: {build: '@', develop: {watch: [{action: sync, path: '@/src', target: /app},"
      " {action: rebuild, path: '@'}]}}}");
  EXPECT_THAT(copied(rules, {"/src/a.log", "/src/secret/key", "/src/ok"}), ElementsAre("/src/a.log", "/src/ok"));
  EXPECT_TRUE(react(rules, {directory + "/a.log"}).empty());
  EXPECT_FALSE(react(rules, {directory + "/a.txt"}).empty());
}

TEST_F(WatchRulesTest, WhatEditorsAndGitLeaveIsIgnored) {
  const WatchRules rules =
      good("services: {a: {image: x, develop: {watch: [{action: sync, path: '@/src', target: /app}]}}}");
  EXPECT_THAT(copied(rules, {"/src/.git/index.lock", "/src/pkg/.git", "/src/.a.py.swp", "/src/a.py~", "/src/4913",
                             "/src/#a.py#", "/src/.#a.py", "/src/.idea/x", "/src/.gitignore"}),
              ElementsAre("/src/.gitignore"));
  EXPECT_TRUE(rules.skips(directory + "/src/.git"));
}

TEST_F(WatchRulesTest, WhatIsMountedIsLeftToTheMount) {
  const WatchRules rules = good(R"(
services:
  a:
    image: x
    volumes: ['@/src:/app']
    develop:
      watch:
        - {action: sync, path: '@/src/pkg', target: /app/pkg}
        - {action: sync+exec, path: '@/src', target: /app, exec: {command: reload}}
)");
  EXPECT_THAT(rules.warnings, ElementsAre(HasSubstr("also declared by a bind mount volume")));
  const Reaction reaction = react(rules, {directory + "/src/pkg/x"});
  EXPECT_TRUE(reaction.sync.empty());
  EXPECT_EQ(reaction.exec.size(), 1U);
}

TEST_F(WatchRulesTest, LinksOnTheWayAreFollowed) {
  fs::create_directory_symlink(directory + "/src", directory + "/current");
  const WatchRules rules =
      good("services: {a: {image: x, develop: {watch: [{action: sync, path: '@/current/new', target: /app}]}}}");
  EXPECT_THAT(rules.roots(), ElementsAre(directory + "/src/new"));
}

TEST_F(WatchRulesTest, WhatCannotBeFollowedIsRefusedInDockersWords) {
  EXPECT_EQ(refused("services: {a: {image: x}}"),
            "none of the selected services is configured for watch, consider setting a 'develop' section");
  const std::string rebuild = "develop: {watch: [{action: rebuild, path: '@'}]}";
  EXPECT_EQ(refused("services: {a: {image: x, " + rebuild + "}}"),
            "can't watch service \"a\" with action rebuild without a build context");
  EXPECT_EQ(refused("services: {a: {build: '@', " + rebuild + "}}", Rebuilds::refused),
            "--no-build is incompatible with watch action rebuild in service a");
  EXPECT_THAT(refused("services: {a: {image: x, develop: {watch: [{action: sync, path: '@', target: /a, ignore: "
                      "'[a'}]}}}"),
              HasSubstr("syntax error in pattern"));
}

TEST_F(WatchRulesTest, TheOldNameOfInitialSyncIsUnderstood) {
  const WatchRules rules = good(
      "services: {a: {image: x, develop: {watch: [{action: sync, path: '@/src', target: /app, x-initialSync: "
      "true}]}}}");
  EXPECT_TRUE(rules.rules.at(0).initial_sync);
  EXPECT_THAT(rules.warnings,
              ElementsAre("x-initialSync is DEPRECATED, please use the official `initial_sync` attribute"));
}

}  // namespace
}  // namespace consort::project

// The builds that a project needs: platforms, and services that share a build.
#include "project/exec/image_build.hpp"

#include <gmock/gmock.h>

#include "project/plan/images.hpp"
#include "scene.hpp"

namespace consort::project {
namespace {

using test::project_of;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<compose::Strings> names_of(const std::vector<BuildGroup>& groups) {
  std::vector<compose::Strings> names;
  for (const BuildGroup& group : groups) {
    names.emplace_back();
    for (const compose::Service* service : group) names.back().push_back(service->name);
  }
  return names;
}

TEST(BuildGroups, TheSameBuildUnderOtherNamesAndLabelsIsOne) {
  const compose::Project project = project_of(R"(
services:
  web: {build: .}
  worker: {build: {context: ., labels: {a: b}, tags: [x/y:1]}, image: "worker:1"}
  other: {build: {context: ., args: {V: "1"}}}
  stage: {build: {context: ., target: dev}}
  beat: {build: ./}
)");
  EXPECT_THAT(names_of(group_builds(project, {"web", "worker", "other", "stage", "beat"}, {})),
              ElementsAre(ElementsAre("web", "worker", "beat"), ElementsAre("other"), ElementsAre("stage")));
}

compose::Strings platforms_of(const std::string& service, const RunDetail& detail) {
  const compose::Project project = project_of("services:\n  web:\n    build:\n" + service);
  return build_request(project, project.services.at("web"), detail).platforms;
}

TEST(BuildPlatforms, AreAllThatAreListedOrTheOneThatIsRun) {
  const std::string host = image::Platform::host().text();
  const std::string several = "      context: .\n      platforms: [linux/s390x, " + host + "]\n";
  const RunDetail build{.all_platforms = true};
  EXPECT_THAT(platforms_of(several, build), ElementsAre("linux/s390x", host));
  EXPECT_THAT(platforms_of(several, {}), ElementsAre(host));
  const std::string chosen = several + "    platform: linux/s390x\n";
  EXPECT_THAT(platforms_of(chosen, build), ElementsAre("linux/s390x", host));
  EXPECT_THAT(platforms_of(chosen, {}), ElementsAre("linux/s390x"));
  EXPECT_THAT(platforms_of("      context: .\n    platform: linux/s390x\n", build), ElementsAre("linux/s390x"));
  EXPECT_THAT(platforms_of("      context: .\n      platforms: [linux/s390x, linux/riscv64]\n", {}),
              ElementsAre("linux/s390x"));
  EXPECT_THAT(platforms_of("      context: .\n", build), IsEmpty());
}

// A service that is not selected gets no container, but other services may need its image.
TEST(ImagePlans, BuildWhatOthersAreBuiltFrom) {
  const compose::Project all = project_of(R"(
services:
  base: {build: .}
  middle: {build: {context: ., additional_contexts: {x: "service:base"}}}
  web: {build: {context: ., additional_contexts: {y: "service:middle"}}}
)");
  const std::vector<std::string> names{"web"};
  const auto project = compose::project_with_services(all, names, compose::Dependencies::include);
  ASSERT_TRUE(project);
  const std::string plan =
      "[] -> #1 image app-base, build, middle is built from it\n"
      "[1] -> #2 image app-middle, build, web is built from it\n"
      "[2] -> #3 image app-web, build, no image yet\n";
  EXPECT_EQ(plan_images(*project, {}, {})->to_string(), plan);
  EXPECT_EQ(plan_images(all, {{"app-base", {"sha256:1", {}}}, {"app-middle", {"sha256:2", {}}}}, {})->to_string(),
            plan);
  EXPECT_THAT(names_of(group_builds(*project, {"base", "middle", "web"}, {})),
              ElementsAre(ElementsAre("base"), ElementsAre("middle"), ElementsAre("web")));
  EXPECT_TRUE(plan_images(*project, {{"app-web", {"sha256:3", {}}}}, {})->empty());
  const auto request = build_request(*project, project->services.at("web"), {});
  ASSERT_EQ(request.additional_contexts.size(), 1U);
  EXPECT_EQ(request.additional_contexts[0].value, "docker-image://app-middle");
}

// An image for another platform counts as missing.
TEST(ImagePlans, LookForThePlatformThatAServiceAsksFor) {
  const compose::Project project = project_of(R"(
services:
  native: {image: "db:1"}
  foreign: {image: "db:1", platform: linux/s390x}
)");
  EXPECT_EQ(plan_images(project, {{"db:1", {"sha256:1", {}}}}, {})->to_string(),
            "[] -> #1 image db:1, pull, not on this machine\n");
  EXPECT_TRUE(
      plan_images(project, {{"db:1", {"sha256:1", {}}}, {"db:1 for linux/s390x", {"sha256:2", {}}}}, {})->empty());
  EXPECT_EQ(plan_images(project, {}, {})->operations().size(), 2U);
}

}  // namespace
}  // namespace consort::project

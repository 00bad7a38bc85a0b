#include <gmock/gmock.h>

#include "project/plan/images.hpp"
#include "project/plan/lifecycle.hpp"
#include "scene.hpp"

namespace consort::project::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* stack = R"(
services:
  db: {image: postgres:15, volumes: ['data:/d']}
  web: {build: ., depends_on: [db]}
volumes: {data: }
)";

TEST(Lifecycle, DownGoesAgainstTheDependencies) {
  const compose::Project project = project_of(stack);
  Scene scene(project);
  scene.run("db");
  scene.run("web");
  EXPECT_EQ(plan_down("app", &project, scene.observed, {}).to_string(),
            "[] -> #1 container app-web-1, stop\n"
            "[1] -> #2 container app-web-1, remove\n"
            "[1] -> #3 container app-db-1, stop\n"
            "[3] -> #4 container app-db-1, remove\n"
            "[2,4] -> #5 network app_default, remove\n");
}

TEST(Lifecycle, DownWithVolumesAndImages) {
  const compose::Project project = project_of(stack);
  Scene scene(project);
  scene.run("db");
  const std::string text =
      plan_down("app", &project, scene.observed, {.volumes = true, .images = RemoveImages::local}).to_string();
  EXPECT_THAT(text, HasSubstr("remove with anonymous volumes"));
  EXPECT_THAT(text, HasSubstr("volume app_data, remove"));
  EXPECT_THAT(text, HasSubstr("image app-web, remove"));
  EXPECT_THAT(text, Not(HasSubstr("image postgres")));
}

TEST(Lifecycle, DownWithoutAFileWorksFromLabels) {
  const compose::Project project = project_of(stack);
  Scene scene(project);
  scene.run("db");
  scene.run("web");
  const std::string text = plan_down("app", nullptr, scene.observed, {.volumes = true}).to_string();
  EXPECT_THAT(text, HasSubstr("[1] -> #3 container app-db-1, stop"));
  EXPECT_THAT(text, HasSubstr("volume app_data, remove"));
}

TEST(Lifecycle, ANetworkThatOthersUseStays) {
  const compose::Project project = project_of(stack);
  Scene scene(project);
  scene.run("db");
  scene.run("web");
  const std::string text = plan_down("app", &project, scene.observed, {.named = {"web"}}).to_string();
  EXPECT_THAT(text, HasSubstr("app_default, keep"));
  EXPECT_THAT(text, Not(HasSubstr("app-db-1")));
}

TEST(Lifecycle, StartHonoursDependenciesAndRefusesWhatIsNotThere) {
  const compose::Project project = project_of(stack);
  Scene scene(project);
  scene.run("db", 1, engine::Status::exited);
  scene.run("web", 1, engine::Status::exited);
  const ServiceGraph graph = ServiceGraph::of(project);
  const auto plan = plan_start(scene.observed.containers, graph, {"web"});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->to_string(), "[] -> #1 container app-db-1, start\n[1] -> #2 container app-web-1, start\n");
  const auto missing = plan_start({}, graph, {"db"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(), "service \"db\" has no container to start");
}

TEST(Lifecycle, StartPassesOverServicesThatWereNeverCreated) {
  const compose::Project project = project_of(stack);
  Scene scene(project);
  scene.run("db", 1, engine::Status::exited);
  const auto plan = plan_start(scene.observed.containers, ServiceGraph::of(project), {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->to_string(), "[] -> #1 container app-db-1, start\n");
}

TEST(Lifecycle, StartIsAskedOfWhatIsPaused) {  // the engine reports that it must be unpaused
  const compose::Project project = project_of(stack);
  Scene scene(project);
  scene.run("db", 1, engine::Status::paused);
  const auto plan = plan_start(scene.observed.containers, ServiceGraph::of(project), {"db"});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->to_string(), "[] -> #1 container app-db-1, start\n");
  EXPECT_THAT(plan_converge(project, scene.observed, {})->to_string(), HasSubstr("container app-db-1, start"));
}

TEST(Lifecycle, DownLeavesWhatBelongsToAnInactiveProfile) {
  const compose::Project all = project_of("services: {web: {image: x}, debug: {image: x}}");
  const compose::Project project = project_of("services: {web: {image: x}, debug: {image: x, profiles: [dbg]}}");
  Scene scene(all);
  scene.run("web");
  scene.run("debug");
  const Plan plan = plan_down("app", &project, scene.observed, {});
  EXPECT_THAT(plan.to_string(), Not(HasSubstr("container app-debug-1, ")));
  EXPECT_THAT(plan.to_string(), HasSubstr("app_default, keep"));
  EXPECT_THAT(plan.warnings, testing::ElementsAre(HasSubstr("`consort --profile dbg down`")));
  EXPECT_THAT(plan_down("app", &project, scene.observed, {.named = {"debug"}}).to_string(),
              HasSubstr("container app-debug-1, remove"));
}

TEST(Lifecycle, RestartTakesDependentsAlongOnlyWhenTheyAskForIt) {
  const compose::Project plain = project_of(stack);
  Scene scene(plain);
  scene.run("db");
  scene.run("web");
  const auto& containers = scene.observed.containers;
  EXPECT_THAT(plan_restart(containers, ServiceGraph::of(plain), {"db"}, Dependents::include, {}).to_string(),
              Not(HasSubstr("app-web-1")));
  compose::Project asking = plain;
  asking.services.at("web").depends_on.at("db").restart = true;
  EXPECT_THAT(plan_restart(containers, ServiceGraph::of(asking), {"db"}, Dependents::include, {}).to_string(),
              HasSubstr("[1] -> #2 container app-web-1, restart"));
}

TEST(Lifecycle, RestartWaitsForTheConditionsOfWhatIsRestartedWithIt) {
  const compose::Project project = project_of(R"(
services:
  db: {image: x, healthcheck: {test: "true"}}
  web: {image: x, depends_on: {db: {condition: service_healthy, restart: true}}}
)");
  Scene scene(project);
  scene.run("db");
  scene.run("web");
  const auto& containers = scene.observed.containers;
  const ServiceGraph graph = ServiceGraph::of(project);
  EXPECT_EQ(plan_restart(containers, graph, {"db"}, Dependents::include, {}).to_string(),
            "[] -> #1 container app-db-1, restart\n"
            "[1] -> #2 container app-db-1, wait until healthy\n"
            "[2] -> #3 container app-web-1, restart\n");
  EXPECT_EQ(plan_restart(containers, graph, {"web"}, Dependents::include, {}).to_string(),
            "[] -> #1 container app-web-1, restart\n");
}

TEST(Lifecycle, HooksRunAroundARestartAndAfterAStart) {
  const compose::Project project = project_of(stack);
  Scene scene(project);
  scene.run("db");
  scene.run("web", 1, engine::Status::exited);
  const ServiceGraph graph = ServiceGraph::of(project);
  const std::map<std::string, std::vector<compose::Hook>> hooks{{"db", {compose::Hook{}}}, {"web", {compose::Hook{}}}};
  EXPECT_EQ(plan_restart(scene.observed.containers, graph, {"db"}, Dependents::include,
                         {.pre_stop = hooks, .post_start = hooks})
                .to_string(),
            "[] -> #1 container app-db-1, hook\n"
            "[1] -> #2 container app-db-1, restart\n"
            "[2] -> #3 container app-db-1, hook\n");
  const auto plan = plan_start(scene.observed.containers, graph, {"web"},
                               {.post_start = hooks, .then = StartPlanOptions::Then::wait});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->to_string(),
            "[] -> #1 container app-web-1, start\n"
            "[1] -> #2 container app-web-1, hook\n"
            "[] -> #3 container app-db-1, wait until running or healthy\n"
            "[2] -> #4 container app-web-1, wait until running or healthy\n");
}

TEST(Lifecycle, DownNamesTheContainersOfRunThatStay) {
  const compose::Project project = project_of("services: {web: {image: x}}");
  Scene scene(project);
  engine::Container& oneoff = scene.run("web");
  oneoff.oneoff = true;
  oneoff.name = "app-web-run-1f";
  EXPECT_THAT(plan_down("app", &project, scene.observed, {}).warnings,
              testing::ElementsAre(HasSubstr("app-web-run-1f. `consort down --remove-orphans`")));
  EXPECT_TRUE(plan_down("app", &project, scene.observed, {.remove_orphans = true}).warnings.empty());
}

// Every kind of operation must define what an interrupt does to it, and what is left afterwards.
template <typename... Kinds>
void check_facts(const std::variant<Kinds...>*) {
  for (const KindFacts* facts : {&Kinds::facts...}) {
    EXPECT_FALSE(facts->object.empty());
    EXPECT_FALSE(facts->verb.empty());
    EXPECT_FALSE(facts->taken_back.empty()) << facts->verb;
  }
}
TEST(Lifecycle, EveryKindOfOperationSaysHowItIsTakenBack) {
  check_facts(static_cast<const Action*>(nullptr));
}

// The Dockerfiles of a service may use images that other services of the project build.
TEST(Images, WithoutBakeDependenciesAreBuiltFirst) {
  compose::Project project = project_of(R"(
services:
  a: {build: {dockerfile_inline: FROM base}, depends_on: [b]}
  b: {image: base, build: {dockerfile_inline: FROM scratch}}
)");
  EXPECT_EQ(plan_build(project).to_string(),
            "[] -> #1 image app-a, build, --build\n"
            "[] -> #2 image base, build, --build\n");
  for (const char* variable : {"DOCKER_BUILDKIT", "COMPOSE_BAKE"}) {
    project.environment = {{variable, "0"}};
    EXPECT_EQ(plan_build(project).to_string(),
              "[] -> #1 image base, build, --build\n"
              "[1] -> #2 image app-a, build, --build\n")
        << variable;
  }
}

TEST(Images, MissingOnesArePulledOrBuilt) {
  const compose::Project project = project_of(stack);
  const auto plan = plan_images(project, {}, {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->to_string(),
            "[] -> #1 image postgres:15, pull, not on this machine\n"
            "[] -> #2 image app-web, build, no image yet\n");
  EXPECT_TRUE(plan_images(project, {{"postgres:15", {"sha256:1", {}}}, {"app-web", {"sha256:2", {}}}}, {})->empty());
}

TEST(Images, AnImageThatCanBeBuiltIsTriedAtTheRegistryFirst) {
  const compose::Project project = project_of("services: {a: {image: x/y, build: .}}");
  EXPECT_EQ(plan_images(project, {}, {})->to_string(),
            "[] -> #1 image x/y, pull if possible, not on this machine\n"
            "[1] -> #2 image x/y, build, no image yet\n");
}

TEST(Images, OneThatAnotherServiceBuildsIsNotPulled) {
  const compose::Project project =
      project_of("services: {a: {image: x/y}, b: {image: x/y, build: .}, c: {image: x/y, pull_policy: always}}");
  EXPECT_EQ(plan_images(project, {}, {.build = BuildWish::always})->to_string(),
            "[] -> #1 image x/y, build, --build\n");
  EXPECT_EQ(plan_images(project, {}, {})->to_string(),
            "[] -> #1 image x/y, pull if possible, not on this machine\n"
            "[1] -> #2 image x/y, build, no image yet\n");
  EXPECT_EQ(plan_images(project, {{"x/y", {"sha256:1", {}}}}, {})->to_string(),
            "[] -> #1 image x/y, pull, the pull policy asks for it\n");
  EXPECT_EQ(plan_images(project, {}, {.build = BuildWish::never})->to_string(),
            "[] -> #1 image x/y, pull, not on this machine\n");
}

TEST(Images, Policies) {
  const auto text = [](const char* policy, bool local, SystemTime now = {}) {
    const compose::Project project = project_of("services: {a: {image: x, pull_policy: " + std::string(policy) + "}}");
    std::map<std::string, LocalImage> images;
    if (local) images["x"] = {"sha256:1", {}};
    return plan_images(project, images, {.now = now})->to_string();
  };
  using namespace std::chrono_literals;
  EXPECT_THAT(text("always", true), HasSubstr("pull"));
  EXPECT_EQ(text("never", false), "");
  EXPECT_EQ(text("missing", true), "");
  EXPECT_EQ(text("daily", true, SystemTime(23h)), "");
  EXPECT_THAT(text("daily", true, SystemTime(25h)), HasSubstr("pull"));
  EXPECT_EQ(text("every_2h", true, SystemTime(1h)), "");
  EXPECT_THAT(text("every_2h", true, SystemTime(3h)), HasSubstr("pull"));
}

TEST(Images, PullSaysWhatItLeavesOut) {
  const compose::Project project = project_of("services: {a: {image: x}, b: {image: x}, c: {build: .}}");
  const auto plan = plan_pull(project, {}, {});
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->operations().size(), 3U);
  EXPECT_EQ(plan->operations()[1].after, "Skipped - Image is already being pulled by a");
  EXPECT_EQ(plan->operations()[2].after, "Skipped - No image to be pulled");
}

}  // namespace
}  // namespace consort::project::test

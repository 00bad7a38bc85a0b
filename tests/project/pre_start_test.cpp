// Hooks that are containers: when and how they run.
#include <gmock/gmock.h>

#include "project/plan/lifecycle.hpp"
#include "project/plan/pre_start.hpp"
#include "scene.hpp"

namespace consort::project::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* stack = R"(
services:
  db: {image: db, healthcheck: {test: "true"}}
  web:
    image: web
    scale: 2
    restart: always
    depends_on: {db: {condition: service_healthy}}
    volumes: [/anonymous]
    pre_start: [{command: one}, {command: two}]
  after: {image: after, depends_on: [web]}
)";

TEST(PreStart, RunsBetweenDependenciesAndStartOnceForTheService) {
  const compose::Project project = project_of(stack);
  const std::string text = plan_text(project, Observed{});
  EXPECT_THAT(text, HasSubstr("#7 container app-db-1, start\n"
                              "[7] -> #8 container app-db-1, wait until healthy\n"
                              "[6,8] -> #9 container app-web-pre_start-0, run to completion, before web starts\n"
                              "[9] -> #10 container app-web-pre_start-1, run to completion, before web starts\n"
                              "[6,10] -> #11 container app-web-1, start\n"
                              "[6,10,11] -> #12 container app-web-2, start\n"
                              "[6,11,12] -> #13 container app-after-1, start\n"));
}

TEST(PreStart, OfCreatedContainersStartRunsThem) {
  const compose::Project project = project_of(stack);
  Scene scene(project);
  for (const unsigned number : {1U, 2U}) scene.run("web", number, engine::Status::created);
  engine::Container left = scene.observed.containers.front();
  left.name = "app-web-pre_start-0";
  left.state.status = engine::Status::exited;
  const auto text = [&] {
    const auto donors = donors_before_start(project, scene.observed.containers, {"db", "web"});
    EXPECT_TRUE(donors);
    const auto hooks = hooks_before_start(project, *donors, {left}, {}, {});
    EXPECT_TRUE(hooks);
    const auto plan = plan_start(scene.observed.containers, ServiceGraph::of(project), {}, {.pre_start = *hooks});
    EXPECT_TRUE(plan);
    return plan->to_string();
  };
  EXPECT_THAT(text(), HasSubstr("container app-web-pre_start-0, remove"));
  EXPECT_THAT(text(), HasSubstr("[1] -> #2 container app-web-pre_start-0, run to completion, before web starts\n"
                                "[2] -> #3 container app-web-pre_start-1, run to completion, before web starts\n"
                                "[3] -> #4 container app-web-1, start"));
  scene.observed.containers.front().state.status = engine::Status::running;
  EXPECT_THAT(text(), Not(HasSubstr("pre_start"))) << "another replica of one that runs";
  for (engine::Container& each : scene.observed.containers) each.state.status = engine::Status::exited;
  EXPECT_THAT(text(), Not(HasSubstr("pre_start"))) << "they have run already";
}

TEST(PreStart, OfCreatedContainersHaveTheVariablesOfProviders) {
  const compose::Project project = project_of(stack);
  const auto hooks = hooks_before_start(project, {{"web", "app-web-1"}}, {}, {}, {{"web", {{"DB_URL", "x"}}}});
  ASSERT_TRUE(hooks) << hooks.error().message();
  const std::vector<Operation>& operations = hooks->at("web");
  ASSERT_EQ(operations.size(), 2U);
  for (const Operation& each : operations)
    EXPECT_THAT(std::get<RunPreStart>(each.action).spec->environment, Contains("DB_URL=x"));
}

TEST(PreStart, OnlyOfServicesThatStart) {
  const compose::Project project = project_of(
      "services: {a: {image: a, pre_start: [{command: one}]}, b: {image: b, pre_start: [{per_replica: true}]}}");
  Scene scene(project);
  scene.run("a", 1, engine::Status::created);
  scene.run("b", 1, engine::Status::created);
  const auto donors = donors_before_start(project, scene.observed.containers, {"a"});
  ASSERT_TRUE(donors) << donors.error().message();
  EXPECT_EQ(*donors, (HookDonors{{"a", "app-a-1"}}));
  EXPECT_FALSE(donors_before_start(project, scene.observed.containers, {"a", "b"}));
}

TEST(PreStart, DoesNotRunAgainUnlessAContainerIsNew) {
  const compose::Project project = project_of(stack);
  Scene scene(project);
  scene.run("db").state.health.status = engine::HealthStatus::healthy;
  scene.run("after");
  scene.run("web", 1);
  EXPECT_THAT(plan_text(project, scene.observed), Not(HasSubstr("run to completion")))
      << "another replica of one that runs";
  scene.run("web", 2);
  for (engine::Container& container : scene.observed.containers) container.state.status = engine::Status::exited;
  EXPECT_THAT(plan_text(project, scene.observed), Not(HasSubstr("run to completion"))) << "they have run already";
  for (engine::Container& container : scene.observed.containers) container.state.status = engine::Status::created;
  EXPECT_THAT(plan_text(project, scene.observed), HasSubstr("run to completion")) << "they have never run";
  ConvergeOptions force;
  force.recreate = Recreate::always;
  for (engine::Container& container : scene.observed.containers) container.state.status = engine::Status::running;
  EXPECT_THAT(plan_text(project, scene.observed, force), HasSubstr("run to completion"));
  ConvergeOptions create;
  create.after = AfterCreate::nothing;
  EXPECT_THAT(plan_text(project, Observed{}, create), Not(HasSubstr("run to completion")));
}

TEST(PreStart, IsAContainerThatNobodyTakesForTheServices) {
  const compose::Project project = project_of(stack);
  const auto spec = hook_spec(project, project.services.at("web"), 1, "app-web-1", {});
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ(spec->name, "app-web-pre_start-1");
  EXPECT_THAT(spec->command, ::testing::Optional(ElementsAre("two")));
  EXPECT_THAT(spec->volumes_from, ElementsAre("app-web-1"));
  EXPECT_TRUE(spec->mounts.empty());
  EXPECT_EQ(spec->restart.mode, engine::RestartMode::no);
  EXPECT_EQ(spec->labels.at(label::hook), "pre_start");
  EXPECT_EQ(spec->labels.at(label::service), "web");
  for (const char* label : {label::config_hash, label::number, label::oneoff})
    EXPECT_FALSE(spec->labels.contains(label));
  ASSERT_EQ(spec->networks.size(), 1U);
  EXPECT_THAT(spec->networks[0].aliases, Contains("web"));
}

TEST(PreStart, WhatAnEarlierRunHasLeftIsRemoved) {
  const compose::Project project = project_of(stack);
  Scene scene(project);
  engine::Container left;
  left.id = std::string(64, 'f');
  left.name = "app-web-pre_start-0";
  left.service = "web";
  left.labels = {{label::hook, "pre_start"}};
  left.state.status = engine::Status::exited;
  scene.observed.hooks.push_back(left);
  EXPECT_THAT(plan_text(project, scene.observed),
              HasSubstr("container app-web-pre_start-0, remove with anonymous volumes, left by an earlier run"));
  EXPECT_THAT(plan_down("app", &project, scene.observed, {}).to_string(),
              HasSubstr("[] -> #1 container app-web-pre_start-0, remove with anonymous volumes\n"
                        "[1] -> #2 network app_default, remove\n"));
  EXPECT_THAT(plan_down("app", nullptr, scene.observed, {.named = {"db"}}).to_string(), Not(HasSubstr("pre_start")));
}

TEST(PreStart, PerReplicaIsRefusedBeforeAnythingIsMade) {
  const compose::Project project = project_of("services: {a: {image: a, pre_start: [{per_replica: true}]}}");
  EXPECT_THAT(plan_text(project, Observed{}),
              HasSubstr("error: service \"a\": pre_start[0]: per_replica is not supported yet"));
}

}  // namespace
}  // namespace consort::project::test

// Plans for services that other programs provide.
#include <gmock/gmock.h>

#include "project/plan/lifecycle.hpp"
#include "project/plan/provided.hpp"
#include "scene.hpp"

namespace consort::project::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* stack = R"(
services:
  web:
    image: web
    environment: {KEY: mine}
    depends_on: [base-db, cache]
    models: {llm: {endpoint_var: AI}}
  other: {image: other}
  cache: {provider: {type: cloud}, depends_on: [base-db]}
  base-db: {provider: {type: cloud, options: {size: 3}}}
models: {llm: {model: ai/x}}
)";

Provided provided_by(const compose::Project& project, const std::map<std::string, ProviderAnswer>& answers) {
  std::vector<std::string> warnings;
  return provided_variables(project, answers, ModelRunnerState{.endpoint = "http://m", .models = {}}, warnings);
}

TEST(Provided, ProvidersAreAskedInTheirOrderAndModelsPrepared) {
  const compose::Project project = project_of(stack);
  EXPECT_EQ(plan_providers(project, {}).to_string(),
            "[] -> #1 provider base-db, run cloud up\n"
            "[1] -> #2 provider cache, run cloud up\n"
            "[] -> #3 model ai/x, configure after pulling it\n");
  EXPECT_THAT(plan_providers(project, {.endpoint = "", .models = {"ai/x"}}).to_string(), Not(HasSubstr("pulling")));
}

TEST(Provided, VariablesReachDependentsBelowTheServicesName) {
  const compose::Project project = project_of(stack);
  std::vector<std::string> warnings;
  const Provided provided = provided_variables(
      project, {{"base-db", {{{"URL", "u"}}, {{"KEY", "k"}}}}, {"cache", {{{"URL", "c"}}, {{"KEY", "k"}}}}},
      ModelRunnerState{.endpoint = "http://m", .models = {}}, warnings);
  EXPECT_EQ(provided.at("web"),
            (compose::StringMap{
                {"BASE-DB_URL", "u"}, {"CACHE_URL", "c"}, {"KEY", "k"}, {"AI", "http://m"}, {"LLM_MODEL", "ai/x"}}));
  EXPECT_THAT(provided.at("other"), IsEmpty());
  EXPECT_THAT(warnings, ElementsAre("provider \"base-db\" overrides environment variable \"KEY\" in service \"web\"",
                                    "provider \"cache\" overrides environment variable \"KEY\" in service \"web\""));
}

TEST(Provided, OnlyWhatHasChangedMakesAContainerAnew) {
  const compose::Project project = project_of(stack);
  Scene scene(project);
  const auto answers = [](const char* url) {
    return std::map<std::string, ProviderAnswer>{{"base-db", {{{"URL", url}}, {}}}, {"cache", {}}};
  };
  ConvergeOptions options;
  options.provided = provided_by(project, answers("u"));
  const auto spec = container_spec(project, project.services.at("web"),
                                   {.image_id = "sha256:1", .provided = &options.provided.at("web")});
  ASSERT_TRUE(spec);
  EXPECT_THAT(spec->environment, ::testing::IsSupersetOf({"BASE-DB_URL=u", "AI=http://m", "KEY=mine"}));
  scene.run("web").labels = spec->labels;
  scene.run("other");
  EXPECT_THAT(plan_text(project, scene.observed, options), Not(HasSubstr(", create")));
  EXPECT_THAT(plan_text(project, scene.observed), Not(HasSubstr(", create"))) << "nobody has asked: it stays";
  options.provided = provided_by(project, answers("v"));
  const std::string text = plan_text(project, scene.observed, options);
  EXPECT_THAT(text, HasSubstr("app-web-1, create, values from its providers or models have changed"));
  EXPECT_THAT(text, HasSubstr("app-other-1, keep, up to date"));
}

TEST(Provided, AServiceThatIsMadeWithoutItsProviderIsWarnedOf) {
  const compose::Project project = project_of(stack);
  const std::vector<std::string> web{"web"};
  const auto alone = compose::project_with_services(project, web, compose::Dependencies::ignore);
  ASSERT_TRUE(alone);
  ConvergeOptions options;
  options.provided = provided_by(*alone, {});
  EXPECT_FALSE(options.provided.contains("web"));
  EXPECT_THAT(
      plan_text(*alone, Observed{}, options),
      HasSubstr("warning: service \"web\" gets no variables from its providers, because --no-deps does not run them"));
}

TEST(Provided, AServiceWithAProviderHasNoContainers) {
  const compose::Project before = project_of("services: {db: {image: x}, web: {image: x, depends_on: [db]}}");
  const compose::Project after =
      project_of("services: {db: {provider: {type: cloud}, scale: 3}, web: {image: x, depends_on: [db]}}");
  Scene scene(before);
  scene.run("db");
  scene.run("web");
  const std::string text = plan_text(after, scene.observed);
  EXPECT_THAT(text, HasSubstr("container app-db-1, remove, a provider runs its service now"));
  EXPECT_THAT(text, Not(HasSubstr(", create")));
}

TEST(Provided, DownAndStopGoAgainstTheDependencies) {
  const compose::Project project = project_of(R"(
services:
  web: {image: web, depends_on: [cloud]}
  cloud: {provider: {type: cloud}, depends_on: [db]}
  db: {image: db}
)");
  Scene scene(project);
  scene.run("db");
  scene.run("web");
  EXPECT_EQ(plan_down("app", &project, scene.observed, {.images = RemoveImages::all}).to_string(),
            "[] -> #1 container app-web-1, stop\n"
            "[1] -> #2 container app-web-1, remove\n"
            "[1] -> #3 provider cloud, run cloud down\n"
            "[3] -> #4 container app-db-1, stop\n"
            "[4] -> #5 container app-db-1, remove\n"
            "[2,5] -> #6 network app_default, remove\n"
            "[2,5] -> #7 image db, remove\n"
            "[2,5] -> #8 image web, remove\n");
  StopPlanOptions options;
  add_from_file(options, project, {});
  EXPECT_EQ(plan_stop(scene.observed.containers, ServiceGraph::of(project), options).to_string(),
            "[] -> #1 container app-web-1, stop\n"
            "[1] -> #2 provider cloud, run cloud stop\n"
            "[2] -> #3 container app-db-1, stop\n");
  EXPECT_EQ(plan_down("app", &project, Observed{}, {.named = {"cloud"}}).to_string(),
            "[] -> #1 provider cloud, run cloud down\n");
}

}  // namespace
}  // namespace consort::project::test

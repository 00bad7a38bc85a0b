// What Docker Compose 5.x has that 2.40.3, whose answers are recorded, has not; and places where a recorded answer
// would not show what counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compose/compose.hpp"
#include "compose/dotenv.hpp"
#include "compose/template.hpp"

namespace consort::compose {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

using Files = std::map<std::string, std::string>;

LoadOptions options_for(Files files) {
  LoadOptions options;
  options.working_directory = "/p";
  auto shared = std::make_shared<Files>(std::move(files));
  options.access.read = [shared](const std::string& path) -> Result<std::string> {
    const auto found = shared->find(path);
    if (found == shared->end()) return fail(Code::not_found, "open " + path);
    return found->second;
  };
  options.access.is_file = [shared](const std::string& path) { return shared->contains(path); };
  options.access.exists = [shared](const std::string& path) { return shared->contains(path) || path == "/p"; };
  options.access.resolve_links = [](const std::string& path) { return path; };
  return options;
}

LoadOutcome load_files(Files files) {
  return load(options_for(std::move(files)));
}

std::string errors_of(const LoadOutcome& outcome) {
  std::string text;
  for (const Diagnostic& each : outcome.diagnostics)
    if (each.severity == Severity::error) text += each.message + "\n" + each.help + "\n";
  return text;
}

TEST(Extends, AnEmptyServiceOfAnotherFileIsAService) {
  const LoadOutcome outcome =
      load_files({{"/p/compose.yaml", "services: {a: {image: x, extends: {file: base.yaml, service: empty}}}\n"},
                  {"/p/base.yaml", "services: {empty: }\n"}});
  ASSERT_TRUE(outcome.project) << errors_of(outcome);
  EXPECT_EQ(outcome.project->services.at("a").image, "x");
}

TEST(Extends, TheNameThatWasWrittenIsNotOffered) {
  const LoadOutcome outcome = load_files({{"/p/compose.yaml", "services: {a: {image: x, extends: {service: b}}}\n"}});
  EXPECT_THAT(errors_of(outcome), HasSubstr("service \"b\" not found"));
  EXPECT_THAT(errors_of(outcome), Not(HasSubstr("did you mean `b`")));
}

TEST(Extends, OverrideAndResetLeaveOutWhatTheBaseHas) {
  const LoadOutcome outcome =
      load_files({{"/p/compose.yaml",
                   "services:\n"
                   "  base: {image: x, environment: {A: 1, B: 2}, cap_add: [NET_ADMIN]}\n"
                   "  a: {extends: base, environment: !override {C: 3}, cap_add: !reset []}\n"}});
  ASSERT_TRUE(outcome.project) << errors_of(outcome);
  const Service& a = outcome.project->services.at("a");
  EXPECT_THAT(a.environment, ElementsAre(Pair("C", std::optional<std::string>("3"))));
  EXPECT_THAT(a.cap_add, IsEmpty());
  EXPECT_EQ(outcome.project->services.at("base").environment.size(), 2U);
}

TEST(Include, WhatIncludesMayChangeWhatItIncludes) {
  const LoadOutcome outcome =
      load_files({{"/p/compose.yaml", "include: [db.yaml]\nservices: {db: {environment: {B: c}}, web: {image: w}}\n"},
                  {"/p/db.yaml", "services: {db: {image: d, environment: {A: b}}}\n"}});
  ASSERT_TRUE(outcome.project) << errors_of(outcome);
  const Service& db = outcome.project->services.at("db");
  EXPECT_EQ(db.image, "d");
  EXPECT_EQ(db.environment.size(), 2U);
}

TEST(Include, TwoThatContradictEachOtherAreRefused) {
  const LoadOutcome outcome = load_files({{"/p/compose.yaml", "include: [a.yaml, b.yaml]\n"},
                                          {"/p/a.yaml", "services: {db: {image: a}}\n"},
                                          {"/p/b.yaml", "services: {db: {image: b}}\n"}});
  EXPECT_THAT(errors_of(outcome), HasSubstr("conflicts with imported resource"));
}

TEST(Include, SecretsTakeTheirValueFromItsEnvFile) {
  const LoadOutcome outcome =
      load_files({{"/p/compose.yaml", "include: [{path: s.yaml, env_file: s.env}]\n"},
                  {"/p/s.yaml", "services: {a: {image: x, secrets: [s]}}\nsecrets: {s: {environment: S}}\n"},
                  {"/p/s.env", "S=from the file\n"}});
  ASSERT_TRUE(outcome.project) << errors_of(outcome);
  EXPECT_EQ(outcome.project->secrets.at("s").content, "from the file");
}

TEST(Attributes5, AreReadAndPrinted) {
  const LoadOutcome outcome =
      load_files({{"/p/compose.yaml",
                   "services: {a: {image: x, build: {context: ., no_cache_filter: one}, networks: [n]}}\n"
                   "networks: {n: {ipam: {driver: d, options: {k: v}}}}\n"}});
  ASSERT_TRUE(outcome.project) << errors_of(outcome);
  EXPECT_THAT(outcome.project->services.at("a").build->no_cache_filter, ElementsAre("one"));
  EXPECT_THAT(outcome.project->networks.at("n").ipam.options, ElementsAre(Pair("k", "v")));
  const std::string yaml = render_yaml(*outcome.project);
  EXPECT_THAT(yaml, HasSubstr("no_cache_filter:\n        - one\n"));
  EXPECT_THAT(yaml, HasSubstr("options:\n        k: v\n"));
}

TEST(Defaults, AreLookedAtOnlyWhereTheyAreNeeded) {
  const std::string one = "1";
  const Lookup only_a = [&one](std::string_view name) { return name == "A" ? &one : nullptr; };
  EXPECT_EQ(substitute("${A:-${B:?needed}}", only_a).text, "1");
  EXPECT_EQ(substitute("${A:-${B}}", only_a).unset.size(), 0U);
  EXPECT_EQ(substitute("${B:+${C:?needed}}", only_a).fault, TemplateFault::none);
  EXPECT_EQ(substitute("${B:-${C:?needed}}", only_a).fault, TemplateFault::required);
  EXPECT_EQ(substitute("${A:-${B:-c}}", only_a).uses.size(), 2U);  // named all the same
}

TEST(Dotenv, ACommentNeedsASpaceAndAValueBeforeIt) {
  const Lookup nothing = [](std::string_view) -> const std::string* { return nullptr; };
  const DotenvResult result = parse_dotenv("A= # x\nB=b\t# c\nC=c # d\nD=# e\nE=e#f\n", nothing);
  std::map<std::string, std::string> values;
  for (const DotenvVariable& each : result.variables) values[each.name] = each.value.value_or("(none)");
  EXPECT_EQ(values, (std::map<std::string, std::string>{
                        {"A", "# x"}, {"B", "b\t# c"}, {"C", "c"}, {"D", "# e"}, {"E", "e#f"}}));
  ASSERT_EQ(result.warnings.size(), 2U);
  EXPECT_THAT(result.warnings[0], HasSubstr("line 1: `A`"));
  EXPECT_THAT(result.warnings[1], HasSubstr("line 2: `B`"));
}

TEST(EnvFile, OfAServiceThatIsNotAskedForMayBeMissing) {
  LoadOptions options = options_for({{"/p/compose.yaml",
                                      "services:\n"
                                      "  good: {image: x, depends_on: [needed]}\n"
                                      "  needed: {image: x}\n"
                                      "  bad: {image: x, env_file: absent.env}\n"}});
  EXPECT_FALSE(load(options).project);
  options.services = {"good"};
  EXPECT_TRUE(load(options).project);
  options.services = {"bad"};
  EXPECT_FALSE(load(options).project);
}

TEST(Settings, OfDotenvAreThoseOfTheComposeVariables) {
  LoadOptions options = options_for(
      {{"/p/.env", "COMPOSE_REMOVE_ORPHANS=1\nOTHER=2\nCOMPOSE_ENV_FILES=x\n"}, {"/p/compose.yaml", "services: {}\n"}});
  EXPECT_THAT(local_settings(options), ElementsAre(Pair("COMPOSE_REMOVE_ORPHANS", "1")));
}

TEST(Volumes, OfOneLetterAreToldAsWhatTheyAreReadAs) {
  LoadOptions options =
      options_for({{"/p/compose.yaml", "services: {a: {image: x, volumes: ['d:/data']}}\nvolumes: {d: }\n"}});
  options.advise = Switch::on;
  const LoadOutcome outcome = load(options);
  ASSERT_TRUE(outcome.project);
  EXPECT_THAT(render_diagnostics(outcome.diagnostics, Colour::never), HasSubstr("source: d, target: /data}"));
}

TEST(Anchors, AnUnknownAliasInAFlowMappingIsAnAlias) {
  const std::string text = "services: {a: {image: x}}\nx-a:\n  a: {image: *undef}\n";
  const LoadOutcome outcome = load_files({{"/p/compose.yaml", text}});
  EXPECT_THAT(errors_of(outcome), HasSubstr("unknown anchor 'undef' referenced"));
  EXPECT_EQ(apply_fixes(text, "/p/compose.yaml", outcome.diagnostics), text);
}

}  // namespace
}  // namespace consort::compose

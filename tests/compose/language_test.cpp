// Features of Docker Compose 5.x that 2.40.3, whose answers are recorded, does not have; and cases in which a recorded
// answer would not show the relevant detail.
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

// They are read as Docker Compose reads them, but with a warning.
TEST(EnvFiles, EachValueThatLooksLikeACommentIsWarnedOf) {
  const LoadOutcome outcome = load_files({{"/p/compose.yaml", "services: {a: {image: x, env_file: e.env}}\n"},
                                          {"/p/e.env", "A= # x\nB=b\t# c\nC=c # d\n"}});
  ASSERT_TRUE(outcome.project) << errors_of(outcome);
  EXPECT_THAT(outcome.project->services.at("a").environment,
              testing::UnorderedElementsAre(Pair("A", "# x"), Pair("B", "b\t# c"), Pair("C", "c")));
  ASSERT_EQ(outcome.diagnostics.size(), 2U);
  EXPECT_THAT(outcome.diagnostics[0].message, HasSubstr("line 1: `A`"));
  EXPECT_THAT(outcome.diagnostics[1].message, HasSubstr("line 2: `B`"));
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
  EXPECT_EQ(substitute("${A:-${B:-c}}", only_a).uses.size(), 2U);  // reported in any case
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

// In --env-file=~/x, the shell does not expand the tilde.
TEST(EnvFile, OfTheCommandLineMayLieInTheHome) {
  LoadOptions options = options_for({{"/p/compose.yaml", "services: {a: {image: '${IMAGE}'}}\n"},
                                     {"/home/u/x.env", "IMAGE=from-home\n"},
                                     {"/p/~u/x.env", "IMAGE=from-folder\n"}});
  options.environment["HOME"] = "/home/u";
  const auto image = [&](const char* file) {
    options.env_files = {file};
    const LoadOutcome outcome = load(options);
    return outcome.project ? outcome.project->services.at("a").image : errors_of(outcome);
  };
  EXPECT_EQ(image("~/x.env"), "from-home");
  EXPECT_EQ(image("~u/x.env"), "from-folder");  // another user's home is not looked up
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

// The type of a value after interpolation is the same as in Docker Compose.
TEST(DependsOn, RequiredMayComeFromAVariable) {
  const LoadOutcome outcome = load_files({{"/p/compose.yaml",
                                           "services:\n"
                                           "  a: {image: x, depends_on: {b: {condition: service_started, required: "
                                           "'${R:-false}', restart: '${S:-true}'}}}\n"
                                           "  b: {image: x}\n"}});
  ASSERT_TRUE(outcome.project) << errors_of(outcome);
  EXPECT_FALSE(outcome.project->services.at("a").depends_on.at("b").required);
  EXPECT_TRUE(outcome.project->services.at("a").depends_on.at("b").restart);
}

TEST(Fixes, AMisspeltKeyIsMended) {
  const std::string text = "services:\n  a:\n    image: x\n    enviroment: {A: b}\n    comand: x # kept\n";
  const LoadOutcome outcome = load_files({{"/p/compose.yaml", text}});
  EXPECT_EQ(apply_fixes(text, "/p/compose.yaml", outcome.diagnostics),
            "services:\n  a:\n    image: x\n    environment: {A: b}\n    command: x # kept\n");
}

TEST(Names, WithoutALetterThatIsAllowedGiveNoExample) {
  EXPECT_THAT(errors_of(load_files({{"/p/compose.yaml", "services: {日本: {image: x}}\n"}})),
              testing::AllOf(HasSubstr("names consist of letters"), Not(HasSubstr("for example `-"))));
  EXPECT_THAT(errors_of(load_files({{"/p/compose.yaml", "services: {my app: {image: x}}\n"}})),
              HasSubstr("for example `my-app`"));
}

constexpr const char* hooked = R"(
services:
  web:
    image: web
    entrypoint: [/bin/web]
    command: [serve]
    user: "7"
    working_dir: /srv
    environment: {A: service, B: service}
    env_file: [service.env]
    extra_hosts: ["one=10.0.0.1"]
    networks: {back: {ipv4_address: 10.5.0.9, aliases: [api]}}
    volumes: ["data:/data:ro"]
    ports: ["80:80"]
    healthcheck: {test: "true"}
    pre_start:
      - command: migrate --all
        environment: [B=hook]
        env_file: hook.env
        volumes: ["data:/data", "./seed:/seed"]
        extra_hosts: {two: 10.0.0.2}
      - {image: busybox, privileged: "true", per_replica: false, volumes_from: [other]}
  other: {image: other}
networks: {back: {ipam: {config: [{subnet: 10.5.0.0/16}]}}}
volumes: {data: }
)";

LoadOutcome load_hooked(const std::string& text) {
  return load_files(
      {{"/p/compose.yaml", text}, {"/p/service.env", "E=service\nF=service\n"}, {"/p/hook.env", "F=hook\n"}});
}

TEST(PreStart, AHookHasOfItsServiceWhatItDoesNotSayItself) {
  const LoadOutcome outcome = load_hooked(hooked);
  ASSERT_TRUE(outcome.project) << errors_of(outcome);
  const Service& web = outcome.project->services.at("web");
  ASSERT_EQ(web.pre_start.size(), 2U);
  const Service& first = web.pre_start[0].container;
  EXPECT_EQ(first.name, "web");
  EXPECT_EQ(first.image, "web");
  EXPECT_EQ(first.user, "7");
  EXPECT_EQ(first.working_dir, "/srv");
  EXPECT_THAT(first.command, testing::Optional(ElementsAre("migrate", "--all")));
  EXPECT_THAT(first.entrypoint, testing::Optional(ElementsAre("/bin/web")));
  EXPECT_EQ(first.environment, (OptionalStringMap{{"A", "service"}, {"B", "hook"}, {"E", "service"}, {"F", "hook"}}));
  EXPECT_EQ(first.extra_hosts.size(), 2U);
  EXPECT_EQ(first.networks.at("back").aliases, Strings{"api"});
  EXPECT_EQ(first.networks.at("back").ipv4_address, "");
  EXPECT_EQ(first.volumes.size(), 2U) << "its own; the service's are there by way of the service's container";
  EXPECT_EQ(first.volumes[1].source, "/p/seed");
  EXPECT_TRUE(first.ports.empty());
  EXPECT_FALSE(first.healthcheck);
  const Service& second = web.pre_start[1].container;
  EXPECT_EQ(second.image, "busybox");
  EXPECT_EQ(second.user, "");
  EXPECT_FALSE(second.entrypoint);
  EXPECT_FALSE(second.command) << "the image's own";
  EXPECT_TRUE(second.privileged);
  EXPECT_TRUE(web.depends_on.contains("other")) << "by the hook's volumes_from";
}

TEST(PreStart, IsPrintedAsItWasWritten) {
  const LoadOutcome outcome = load_hooked(hooked);
  ASSERT_TRUE(outcome.project) << errors_of(outcome);
  EXPECT_THAT(render_yaml(*outcome.project), HasSubstr(R"(    pre_start:
      - command:
          - migrate
          - --all
        environment:
          B: hook
          F: hook
        extra_hosts:
          - two=10.0.0.2
        volumes:
          - type: volume
            source: data
            target: /data
            volume: {}
          - type: bind
            source: /p/seed
            target: /seed
            bind:
              create_host_path: true
)"));
}

TEST(PreStart, HooksOfSeveralFilesAreAppended) {
  LoadOptions options = options_for({{"/p/a.yaml", "services: {a: {image: x, pre_start: [{command: one}]}}\n"},
                                     {"/p/b.yaml", "services: {a: {pre_start: [{command: two}]}}\n"}});
  options.files = {"a.yaml", "b.yaml"};
  const LoadOutcome outcome = load(options);
  ASSERT_TRUE(outcome.project) << errors_of(outcome);
  const auto& hooks = outcome.project->services.at("a").pre_start;
  ASSERT_EQ(hooks.size(), 2U);
  EXPECT_EQ(hooks[1].container.command, Strings{"two"});
  EXPECT_NE(service_hash_json(outcome.project->services.at("a")).find("two"), std::string::npos);
}

TEST(PreStart, WhatMakesAServiceIsRefused) {
  const auto error = [](const std::string& hook) {
    return errors_of(load_files({{"/p/compose.yaml", "services: {a: {image: x, pre_start: [" + hook + "]}}\n"}}));
  };
  for (const char* attribute : {"depends_on: [a]", "restart: always", "scale: 2", "container_name: xy", "build: .",
                                "profiles: [p]", "pre_start: []", "provider: {type: x}"})
    EXPECT_THAT(error("{" + std::string(attribute) + "}"), HasSubstr("not allowed")) << attribute;
  EXPECT_THAT(error("{volumes: ['gone:/x']}"), HasSubstr("service \"a\" refers to undefined volume gone"));
  EXPECT_THAT(error("{networks: [gone]}"), HasSubstr("service \"a\" refers to undefined network gone"));
  EXPECT_THAT(error("{imgae: x}"), HasSubstr("image"));
  EXPECT_THAT(error("{volumes_from: [gone]}"), HasSubstr("gone"));
}

}  // namespace
}  // namespace consort::compose

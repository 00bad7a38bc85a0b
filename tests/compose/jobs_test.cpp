// Jobs, which 2.40.3 does not have: what they may contain, and what is registered for them.
#include "compose/jobs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compose/compose.hpp"

namespace consort::compose {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

LoadOutcome load_text(const std::string& text, std::map<std::string, std::string> environment = {}) {
  LoadOptions options;
  options.working_directory = "/p";
  options.environment = std::move(environment);
  options.access.read = [text](const std::string& path) -> Result<std::string> {
    return path == "/p/compose.yaml" ? Result<std::string>(text) : fail(Code::not_found, "open " + path);
  };
  options.access.is_file = [](const std::string& path) { return path == "/p/compose.yaml"; };
  options.access.exists = [](const std::string& path) { return path == "/p/compose.yaml" || path == "/p"; };
  options.access.resolve_links = [](const std::string& path) { return path; };
  return load(options);
}

std::string errors_of(const std::string& text) {
  std::string errors;
  for (const Diagnostic& each : load_text(text).diagnostics)
    if (each.severity == Severity::error) errors += each.message + "\n";
  return errors;
}

Project project_of(const std::string& text, std::map<std::string, std::string> environment = {}) {
  const LoadOutcome outcome = load_text(text, std::move(environment));
  EXPECT_TRUE(outcome.project) << errors_of(text);
  return outcome.project.value_or(Project());
}

constexpr const char* with_jobs = R"(
name: shop
services:
  db: {image: "postgres:15"}
jobs:
  backup:
    image: alpine
    command: echo $$HOME ${WHO}
    environment: {A: "1"}
    volumes: ["data:/data"]
    depends_on: {db: {condition: service_healthy}, clean: {condition: service_completed_successfully}}
    secrets: [token]
    triggers: {schedule: ["30 2 * * *"]}
  clean: {image: alpine, triggers: {manual: true}}
  rare: {image: alpine, profiles: [ops], triggers: {manual: true}}
volumes: {data: }
secrets: {token: {environment: TOKEN}}
)";

TEST(Jobs, AreContainersBesideTheServices) {
  const Project project = project_of(with_jobs, {{"WHO", "me"}, {"TOKEN", "s3cret"}});
  EXPECT_EQ(project.services.size(), 1U);
  EXPECT_EQ(project.jobs.size(), 2U);
  EXPECT_TRUE(project.disabled_jobs.contains("rare"));
  const Service& backup = project.jobs.at("backup");
  EXPECT_EQ(backup.command, (Strings{"echo", "$HOME", "me"}));
  EXPECT_EQ(backup.environment.at("A"), "1");
  EXPECT_TRUE(backup.networks.contains("default"));
  ASSERT_EQ(backup.triggers->schedule.size(), 1U);
  EXPECT_EQ(backup.triggers->schedule[0].cron, "30 2 * * *");
  EXPECT_TRUE(project.volumes.contains("data"));
  EXPECT_THAT(render_yaml(project), HasSubstr("jobs:\n  backup:\n"));
  EXPECT_THAT(render_yaml(project), HasSubstr("    triggers:\n      schedule:\n        - cron: 30 2 * * *\n"));
}

TEST(Jobs, AreRefusedWithWhatTheyCannotHave) {
  const auto job = [](const std::string& body) {
    return errors_of("services: {a: {image: x}}\njobs: {j: {image: x, " + body + "}}\n");
  };
  EXPECT_THAT(job("triggers: {manual: true}"), IsEmpty());
  EXPECT_THAT(job("command: x"), HasSubstr("missing property 'triggers'"));
  EXPECT_THAT(job("triggers: {}"), HasSubstr("must set `manual` or `schedule`"));
  EXPECT_THAT(job("triggers: {manual: true, schedule: ['* * * * *']}"), HasSubstr("exactly one is supported"));
  EXPECT_THAT(job("triggers: {manual: false, schedule: ['* * * * *']}"), IsEmpty());
  EXPECT_THAT(job("triggers: {schedule: [{timezone: UTC}]}"), HasSubstr("missing property 'cron'"));
  EXPECT_THAT(job("triggers: {schedule: [{cron: '* * * * *', concurrency: both}]}"), HasSubstr("'forbid', 'queue'"));
  for (const char* of_services : {"restart: always", "deploy: {replicas: 2}", "container_name: x1", "scale: 2",
                                  "extends: {service: a}", "pre_start: [{command: x}]", "develop: {}", "attach: false"})
    EXPECT_THAT(job(std::string("triggers: {manual: true}, ") + of_services), HasSubstr("not allowed")) << of_services;
}

TEST(Jobs, AreNotServices) {
  EXPECT_THAT(errors_of("services: {a: {image: x}}\njobs: {a: {image: x, triggers: {manual: true}}}\n"),
              HasSubstr("a service has the same name"));
  EXPECT_THAT(
      errors_of("services: {a: {image: x, depends_on: [j]}}\njobs: {j: {image: x, triggers: {manual: true}}}\n"),
      HasSubstr("a service cannot wait for a job"));
  const Project project = project_of("services: {a: {image: x}}\njobs: {j: {image: x, triggers: {manual: true}}}\n");
  const std::string name = "j";
  const auto chosen = project_with_services(project, std::span(&name, 1), Dependencies::include);
  ASSERT_FALSE(chosen);
  EXPECT_THAT(chosen.error().message(), HasSubstr("\"j\" is a job"));
}

TEST(Jobs, KeepOneScheduleThatIsUnderstood) {
  const auto fault = [](const std::string& schedule) {
    const Project project =
        project_of("services: {a: {image: x}}\njobs: {j: {image: x, triggers: {schedule: " + schedule + "}}}\n");
    const auto checked = check_schedule(project, project.jobs.at("j"));
    return checked ? std::string() : checked.error().message();
  };
  EXPECT_THAT(fault("['30 2 * * *']"), IsEmpty());
  EXPECT_THAT(fault("['30 2 * * *', '0 0 * * *']"), HasSubstr("declares 2 schedules"));
  EXPECT_THAT(fault("['@daily']"), HasSubstr("@daily"));
  EXPECT_THAT(fault("['0 0 30 2 *']"), HasSubstr("this date never occurs"));
  EXPECT_THAT(fault("[{cron: '0 0 * * *', timezone: Mars/Olympus}]"), HasSubstr("unknown time zone"));
}

TEST(Jobs, AreStartedAsTheyAllow) {
  const Project project = project_of(
      "services: {a: {image: x}}\njobs:\n  never: {image: x, triggers: {manual: false}}\n"
      "  on: {image: x, depends_on: [never], triggers: {manual: true}}\n");
  EXPECT_THAT(project_of_job(project, "never", StartedBy::hand).error().message(), HasSubstr("manual: false"));
  EXPECT_TRUE(project_of_job(project, "never", StartedBy::clock));
  EXPECT_THAT(project_of_job(project, "on", StartedBy::hand).error().message(), HasSubstr("depends on job \"never\""));
  EXPECT_EQ(project_of_job(project, "a", StartedBy::hand).error().code(), Code::not_found);
}

// A run needs only the registered data: by then, the files may be gone and the environment may differ.
TEST(Jobs, AreRegisteredWithAllThatTheyNeed) {
  const Project project = project_of(with_jobs, {{"WHO", "me"}, {"TOKEN", "s3cret"}});
  const auto model = job_model(project, "backup");
  ASSERT_TRUE(model);
  const auto loaded = load_job_model(*model);
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->name, "shop");
  EXPECT_EQ(loaded->working_directory, "/p");
  EXPECT_EQ(loaded->compose_files, (Strings{"/p/compose.yaml"}));
  EXPECT_TRUE(loaded->extensions.empty());
  EXPECT_EQ(loaded->secrets.at("token").content, "s3cret");
  const auto job = project_of_job(*loaded, "backup", StartedBy::clock);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->services.size(), 3U);
  EXPECT_EQ(service_hash_json(job->services.at("backup")), service_hash_json(project.jobs.at("backup")));
  EXPECT_EQ(service_hash_json(job->services.at("db")), service_hash_json(project.services.at("db")));
  EXPECT_EQ(job->services.at("backup").depends_on.at("db").condition, DependencyCondition::healthy);
  EXPECT_FALSE(load_job_model("{}"));
  EXPECT_FALSE(load_job_model("services: ["));
}

}  // namespace
}  // namespace consort::compose

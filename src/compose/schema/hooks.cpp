// A pre_start hook and a job are containers of their own: they have the attributes of a container, but not those that
// are specific to services.
#include <algorithm>
#include <iterator>
#include <vector>

#include "compose/schema/shapes.hpp"

namespace consort::compose {

namespace {

constexpr std::string_view of_services[]{"attach",
                                         "build",
                                         "container_name",
                                         "depends_on",
                                         "deploy",
                                         "develop",
                                         "extends",
                                         "external_links",
                                         "healthcheck",
                                         "links",
                                         "post_start",
                                         "pre_start",
                                         "pre_stop",
                                         "profiles",
                                         "provider",
                                         "pull_policy",
                                         "pull_refresh_after",
                                         "restart",
                                         "scale"};

// Attributes that keep a container running, or need one that keeps running.
constexpr std::string_view not_of_jobs[]{"attach",  "container_name", "deploy",     "develop",   "extends",
                                         "links",   "external_links", "post_start", "pre_start", "pre_stop",
                                         "restart", "provider",       "scale"};

std::vector<Field> fields_of_hooks() {
  std::vector<Field> fields{{"per_replica", service_shape().find("privileged")->shape, "only false is supported"}};
  for (const Field& field : service_shape().fields)
    if (std::ranges::find(of_services, field.key) == std::end(of_services)) fields.push_back(field);
  return fields;
}

// The shapes of services are constants, so they exist before this is initialized.
const std::vector<Field> fields = fields_of_hooks();
const Shape hook{
    .name = "mapping", .types = type::mapping, .example = "{command: [\"sh\", \"-c\", \"true\"]}", .fields = fields};

constexpr std::string_view concurrency_choices[]{"forbid", "queue"};
const Shape concurrency{
    .name = "forbid or queue", .types = type::string, .example = "forbid", .choices = concurrency_choices};
constexpr std::string_view missed_choices[]{"one", "skip"};
const Shape missed_fires{.name = "one or skip", .types = type::string, .example = "one", .choices = missed_choices};
using shapes::text;
const Shape cron{.name = "string", .types = type::string, .example = "\"30 2 * * *\""};
const Field schedule_fields[]{
    {"cron", &cron}, {"timezone", &text}, {"concurrency", &concurrency}, {"missed_fires", &missed_fires}};
constexpr std::string_view cron_key[]{"cron"};
const Shape schedule_entry{.name = "string or mapping",
                           .types = type::string | type::mapping,
                           .example = "\"30 2 * * *\"",
                           .fields = schedule_fields,
                           .required = cron_key};
const Shape schedule{.name = "list", .types = type::sequence, .example = "[\"30 2 * * *\"]", .item = &schedule_entry};

std::vector<Field> fields_of_triggers() {
  return {{"manual", service_shape().find("privileged")->shape}, {"schedule", &schedule, "one entry is supported"}};
}
const std::vector<Field> trigger_fields = fields_of_triggers();
const Shape triggers{
    .name = "mapping", .types = type::mapping, .example = "{schedule: [\"30 2 * * *\"]}", .fields = trigger_fields};

std::vector<Field> fields_of_jobs() {
  std::vector<Field> made{{"triggers", &triggers}};
  for (const Field& field : service_shape().fields)
    if (std::ranges::find(not_of_jobs, field.key) == std::end(not_of_jobs)) made.push_back(field);
  return made;
}
const std::vector<Field> job_fields = fields_of_jobs();
constexpr std::string_view triggers_key[]{"triggers"};
const Shape job{.name = "mapping",
                .types = type::mapping,
                .example = "{image: alpine, triggers: {manual: true}}",
                .fields = job_fields,
                .required = triggers_key};

}  // namespace

bool told_of_service(const Shape& shape, const Field& field) {
  if (&shape != &hook && &shape != &job) return false;
  const Field* of_service = service_shape().find(field.key);
  return of_service && of_service->shape == field.shape;
}

const Shape job_section{.name = "mapping", .types = type::mapping, .value = &job, .keys = KeyRule::resource_name};
const Shape pre_start_hooks{.name = "list", .types = type::sequence, .item = &hook};

}  // namespace consort::compose

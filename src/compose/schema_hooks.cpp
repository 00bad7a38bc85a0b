// A hook before the start is a container of its own: it has the attributes of one, and none of a service.
#include <algorithm>
#include <iterator>
#include <vector>

#include "compose/schema.hpp"

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

std::vector<Field> fields_of_hooks() {
  std::vector<Field> fields{{"per_replica", service_shape().find("privileged")->shape, "only false is supported"}};
  for (const Field& field : service_shape().fields)
    if (std::ranges::find(of_services, field.key) == std::end(of_services)) fields.push_back(field);
  return fields;
}

// The shapes of services are constants: they are there before this is made.
const std::vector<Field> fields = fields_of_hooks();
const Shape hook{
    .name = "mapping", .types = type::mapping, .example = "{command: [\"sh\", \"-c\", \"true\"]}", .fields = fields};

}  // namespace

bool told_of_service(const Shape& shape, const Field& field) {
  if (&shape != &hook) return false;
  const Field* of_service = service_shape().find(field.key);
  return of_service && of_service->shape == field.shape;
}

const Shape pre_start_hooks{.name = "list", .types = type::sequence, .item = &hook};

}  // namespace consort::compose

// The top level of a file.
#include "compose/schema/shapes.hpp"

namespace consort::compose {

namespace shapes {

constexpr Field external_fields[]{{"name", &text}};
constexpr Shape external{.name = "boolean",
                         .types = type::boolean | type::string | type::mapping,
                         .example = "true",
                         .fields = external_fields};
constexpr Shape open_external{.name = "boolean",
                              .types = type::boolean | type::string | type::mapping,
                              .example = "true",
                              .fields = external_fields,
                              .open = true};
constexpr Field pool_fields[]{{"subnet", &text}, {"ip_range", &text}, {"gateway", &text}, {"aux_addresses", &text_map}};
constexpr Shape pool{
    .name = "mapping", .types = type::mapping, .example = "{subnet: 172.28.0.0/16}", .fields = pool_fields};
constexpr Shape pools{.name = "list", .types = type::sequence, .item = &pool};
constexpr Field ipam_fields[]{{"driver", &text}, {"config", &pools}, {"options", &text_map}};
constexpr Shape ipam{.name = "mapping", .types = type::mapping, .fields = ipam_fields};
constexpr Field network_fields[]{{"name", &text},       {"driver", &text},        {"driver_opts", &option_map},
                                 {"ipam", &ipam},       {"external", &external},  {"internal", &flag},
                                 {"attachable", &flag}, {"labels", &list_or_map}, {"enable_ipv4", &flag},
                                 {"enable_ipv6", &flag}};
constexpr Shape network{.name = "mapping", .types = type::mapping | type::null, .fields = network_fields};
constexpr Shape networks{.name = "mapping", .types = type::mapping, .value = &network, .keys = KeyRule::checked_name};
constexpr Field volume_fields[]{{"name", &text},
                                {"driver", &text},
                                {"driver_opts", &option_map},
                                {"external", &external},
                                {"labels", &list_or_map}};
constexpr Shape volume{.name = "mapping", .types = type::mapping | type::null, .fields = volume_fields};
constexpr Shape volumes{.name = "mapping", .types = type::mapping, .value = &volume, .keys = KeyRule::resource_name};
constexpr Field secret_fields[]{{"name", &text},
                                {"environment", &text},
                                {"file", &text},
                                {"external", &open_external},
                                {"labels", &list_or_map},
                                {"driver", &text},
                                {"driver_opts", &option_map},
                                {"template_driver", &text}};
constexpr Shape secret{
    .name = "mapping", .types = type::mapping, .example = "{file: ./secret.txt}", .fields = secret_fields};
constexpr Shape secrets{.name = "mapping", .types = type::mapping, .value = &secret, .keys = KeyRule::resource_name};
constexpr Field config_fields[]{{"name", &text},           {"content", &text},           {"environment", &text},
                                {"file", &text},           {"external", &open_external}, {"labels", &list_or_map},
                                {"template_driver", &text}};
constexpr Shape config{
    .name = "mapping", .types = type::mapping, .example = "{file: ./app.conf}", .fields = config_fields};
constexpr Shape configs{.name = "mapping", .types = type::mapping, .value = &config, .keys = KeyRule::resource_name};
constexpr string_view model_key[]{"model"};
constexpr Field model_fields[]{
    {"name", &text}, {"model", &text}, {"context_size", &strict_whole}, {"runtime_flags", &texts}};
constexpr Shape model{.name = "mapping",
                      .types = type::mapping,
                      .example = "{model: ai/smollm2}",
                      .fields = model_fields,
                      .required = model_key};
constexpr Shape models{.name = "mapping", .types = type::mapping, .value = &model, .keys = KeyRule::checked_name};
constexpr Field include_fields[]{{"path", &text_or_texts}, {"env_file", &text_or_texts}, {"project_directory", &text}};
constexpr Shape include{
    .name = "path or mapping", .types = type::string | type::mapping, .fields = include_fields, .extensions = false};
constexpr Shape includes{.name = "list", .types = type::sequence, .example = "[other.yaml]", .item = &include};

constexpr Field root_fields[]{
    {"version", &text, "ignored"}, {"name", &text},      {"include", &includes},  {"services", &services},
    {"jobs", &job_section, "5.6"}, {"models", &models},  {"networks", &networks}, {"volumes", &volumes},
    {"secrets", &secrets},         {"configs", &configs}};
constexpr Shape root{.name = "mapping", .types = type::mapping, .fields = root_fields};

}  // namespace shapes

const Field* Shape::find(std::string_view key) const {
  for (const Field& field : fields) {
    if (field.key == key) return &field;
  }
  return nullptr;
}

const Shape& root_shape() {
  return shapes::root;
}
const Shape& build_shape() {
  return shapes::build;
}

}  // namespace consort::compose

// Attributes of a service that are mappings of their own.
#include "compose/schema/shapes.hpp"

namespace consort::compose::shapes {

// Commands that run in a container at certain times.
constexpr string_view command_key[]{"command"};
constexpr Field hook_fields[]{{"command", &command},
                              {"user", &text},
                              {"privileged", &flag},
                              {"working_dir", &text},
                              {"environment", &list_or_map}};
constexpr Shape hook{.name = "mapping",
                     .types = type::mapping,
                     .example = "{command: [\"sh\", \"-c\", \"true\"]}",
                     .fields = hook_fields,
                     .required = command_key};
constexpr Shape hooks{.name = "list", .types = type::sequence, .item = &hook};

constexpr string_view path_action[]{"path", "action"};
constexpr string_view actions[]{"rebuild", "sync", "restart", "sync+restart", "sync+exec"};
constexpr Shape action{.name = "action", .types = type::string, .example = "sync", .choices = actions};
constexpr Field watch_fields[]{{"ignore", &text_or_texts},    {"include", &text_or_texts}, {"path", &text},
                               {"action", &action},           {"target", &text},           {"exec", &hook},
                               {"initial_sync", &strict_flag}};
constexpr Shape watch{.name = "mapping",
                      .types = type::mapping,
                      .example = "{path: ./src, action: sync, target: /app}",
                      .fields = watch_fields,
                      .required = path_action};
constexpr Shape watches{.name = "list", .types = type::sequence, .item = &watch};
constexpr Field develop_fields[]{{"watch", &watches}};
constexpr Shape develop{.name = "mapping", .types = type::mapping | type::null, .fields = develop_fields};

// Dependencies, and the service to extend.
constexpr string_view conditions[]{"service_started", "service_healthy", "service_completed_successfully"};
constexpr Shape condition{
    .name = "condition", .types = type::string, .example = "service_healthy", .choices = conditions};
constexpr string_view condition_key[]{"condition"};
constexpr Field dependency_fields[]{{"restart", &flag}, {"required", &strict_flag}, {"condition", &condition}};
constexpr Shape dependency{.name = "mapping",
                           .types = type::mapping,
                           .example = "{condition: service_started}",
                           .fields = dependency_fields,
                           .required = condition_key};
constexpr Shape depends_on{.name = "list or mapping",
                           .types = type::sequence | type::mapping,
                           .example = "[db]",
                           .item = &text,
                           .unique = true,
                           .value = &dependency,
                           .keys = KeyRule::resource_name};

constexpr string_view path_key[]{"path"};
constexpr Field env_file_fields[]{{"path", &text}, {"required", &flag}, {"format", &text}};
constexpr Shape env_file{.name = "path or mapping",
                         .types = type::string | type::mapping,
                         .example = ".env",
                         .fields = env_file_fields,
                         .extensions = false,
                         .required = path_key};
constexpr Shape env_files{
    .name = "path or list of paths", .types = type::string | type::sequence, .example = "./app.env", .item = &env_file};

constexpr string_view service_key[]{"service"};
constexpr Field extends_fields[]{{"service", &text}, {"file", &text}};
constexpr Shape extends{.name = "name or mapping",
                        .types = type::string | type::mapping,
                        .example = "{file: common.yaml, service: base}",
                        .fields = extends_fields,
                        .extensions = false,
                        .required = service_key};

// Health checks.
constexpr Shape health_test{.name = "string or list",
                            .types = type::string | type::sequence,
                            .example = "[\"CMD-SHELL\", \"curl -f http://localhost\"]",
                            .item = &text};
constexpr Field health_fields[]{{"disable", &flag},           {"interval", &duration}, {"retries", &numeric},
                                {"test", &health_test},       {"timeout", &duration},  {"start_period", &duration},
                                {"start_interval", &duration}};
constexpr Shape healthcheck{.name = "mapping",
                            .types = type::mapping,
                            .example = "{test: [\"CMD\", \"true\"], interval: 10s}",
                            .fields = health_fields};

constexpr Shape logging_options{.name = "mapping", .types = type::mapping, .value = &option_value};
constexpr Field logging_fields[]{{"driver", &text}, {"options", &logging_options}};
constexpr Shape logging{
    .name = "mapping", .types = type::mapping, .example = "{driver: json-file}", .fields = logging_fields};

// Networks and ports.
constexpr Field attachment_fields[]{
    {"aliases", &unique_texts},   {"interface_name", &text},         {"ipv4_address", &text},
    {"ipv6_address", &text},      {"link_local_ips", &unique_texts}, {"mac_address", &text},
    {"driver_opts", &option_map}, {"priority", &strict_number},      {"gw_priority", &strict_number}};
constexpr Shape attachment{.name = "mapping",
                           .types = type::mapping | type::null,
                           .example = "{aliases: [name]}",
                           .fields = attachment_fields};
constexpr Shape service_networks{.name = "list or mapping",
                                 .types = type::sequence | type::mapping,
                                 .example = "[front, back]",
                                 .item = &text,
                                 .unique = true,
                                 .value = &attachment,
                                 .keys = KeyRule::resource_name};

constexpr Field port_fields[]{{"name", &text},
                              {"mode", &text},
                              {"host_ip", &text},
                              {"target", &whole},
                              {"published", &text_or_integer},
                              {"protocol", &text},
                              {"app_protocol", &text}};
constexpr Shape port{.name = "port, string or mapping",
                     .types = type::number | type::string | type::mapping,
                     .example = "\"8000:8000\"",
                     .fields = port_fields};
constexpr Shape ports{
    .name = "list", .types = type::sequence, .example = "- \"8000:8000\"", .item = &port, .unique = true};

constexpr string_view source_key[]{"source"};
constexpr Field device_fields[]{{"source", &text}, {"target", &text}, {"permissions", &text}};
constexpr Shape device{.name = "string or mapping",
                       .types = type::string | type::mapping,
                       .example = "/dev/ttyUSB0:/dev/ttyUSB0",
                       .fields = device_fields,
                       .required = source_key};
constexpr Shape devices{.name = "list", .types = type::sequence, .item = &device};

constexpr Field service_model_fields[]{{"endpoint_var", &text}, {"model_var", &text}};
constexpr Shape service_model{.name = "mapping", .types = type::mapping | type::null, .fields = service_model_fields};
constexpr Shape service_models{.name = "list or mapping",
                               .types = type::sequence | type::mapping,
                               .item = &text,
                               .unique = true,
                               .value = &service_model};

constexpr Field credential_fields[]{{"config", &text}, {"file", &text}, {"registry", &text}};
constexpr Shape credential_spec{.name = "mapping", .types = type::mapping, .fields = credential_fields};

constexpr Shape provider_list{.name = "scalar or list",
                              .types = type::string | type::number | type::boolean | type::sequence,
                              .item = &scalar_value};
constexpr Shape provider_options{.name = "mapping", .types = type::mapping, .value = &provider_list};
constexpr string_view type_key[]{"type"};
constexpr Field provider_fields[]{{"type", &text}, {"options", &provider_options}};
constexpr Shape provider{.name = "mapping", .types = type::mapping, .fields = provider_fields, .required = type_key};

}  // namespace consort::compose::shapes

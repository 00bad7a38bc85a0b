// Resources that a service may use: `deploy`, GPUs, disk I/O.
#include "compose/schema/shapes.hpp"

namespace consort::compose::shapes {

constexpr Field limit_fields[]{{"path", &text}, {"rate", &size_integer}};
constexpr Shape blkio_limit{.name = "mapping", .types = type::mapping, .fields = limit_fields, .extensions = false};
constexpr Shape blkio_limits{.name = "list", .types = type::sequence, .item = &blkio_limit};
constexpr Field weight_fields[]{{"path", &text}, {"weight", &whole}};
constexpr Shape blkio_weight{.name = "mapping", .types = type::mapping, .fields = weight_fields, .extensions = false};
constexpr Shape blkio_weights{.name = "list", .types = type::sequence, .item = &blkio_weight};
constexpr Field blkio_fields[]{{"weight", &whole},
                               {"weight_device", &blkio_weights},
                               {"device_read_bps", &blkio_limits},
                               {"device_read_iops", &blkio_limits},
                               {"device_write_bps", &blkio_limits},
                               {"device_write_iops", &blkio_limits}};
constexpr Shape blkio{.name = "mapping", .types = type::mapping, .fields = blkio_fields, .extensions = false};

constexpr Field request_fields[]{{"capabilities", &unique_texts},
                                 {"count", &text_or_integer},
                                 {"device_ids", &unique_texts},
                                 {"driver", &text},
                                 {"options", &list_or_map}};
constexpr string_view capabilities_key[]{"capabilities"};
constexpr Shape deploy_device{.name = "mapping",
                              .types = type::mapping,
                              .example = "{capabilities: [gpu]}",
                              .fields = request_fields,
                              .required = capabilities_key};
constexpr Shape deploy_devices{.name = "list", .types = type::sequence, .item = &deploy_device};
constexpr Shape gpu{.name = "mapping", .types = type::mapping, .fields = request_fields, .open = true};
constexpr string_view all_choice[]{"all"};
constexpr Shape gpus{.name = "`all` or a list",
                     .types = type::string | type::sequence,
                     .example = "all",
                     .item = &gpu,
                     .choices = all_choice};

constexpr Field discrete_fields[]{{"kind", &text}, {"value", &numeric}};
constexpr Shape discrete{.name = "mapping", .types = type::mapping, .fields = discrete_fields};
constexpr Field generic_fields[]{{"discrete_resource_spec", &discrete}};
constexpr Shape generic{.name = "mapping", .types = type::mapping, .fields = generic_fields};
constexpr Shape generics{.name = "list", .types = type::sequence, .item = &generic};
constexpr Field limits_fields[]{{"cpus", &numeric}, {"memory", &size_text}, {"pids", &whole}};
constexpr Shape limits{.name = "mapping", .types = type::mapping, .fields = limits_fields};
constexpr Field reservation_fields[]{
    {"cpus", &numeric}, {"memory", &size_text}, {"generic_resources", &generics}, {"devices", &deploy_devices}};
constexpr Shape reservations{.name = "mapping", .types = type::mapping, .fields = reservation_fields};
constexpr Field resource_fields[]{{"limits", &limits}, {"reservations", &reservations}};
constexpr Shape resources{.name = "mapping", .types = type::mapping, .fields = resource_fields};
constexpr string_view orders[]{"start-first", "stop-first"};
constexpr Shape order{.name = "order", .types = type::string, .example = "stop-first", .choices = orders};
constexpr Field update_fields[]{{"parallelism", &whole},         {"delay", &duration},
                                {"failure_action", &text},       {"monitor", &duration},
                                {"max_failure_ratio", &numeric}, {"order", &order}};
constexpr Shape update{.name = "mapping", .types = type::mapping, .fields = update_fields};
constexpr Field restart_fields[]{
    {"condition", &text}, {"delay", &duration}, {"max_attempts", &whole}, {"window", &duration}};
constexpr Shape restart_policy{.name = "mapping", .types = type::mapping, .fields = restart_fields};
constexpr Field preference_fields[]{{"spread", &text}};
constexpr Shape preference{.name = "mapping", .types = type::mapping, .fields = preference_fields};
constexpr Shape preferences{.name = "list", .types = type::sequence, .item = &preference};
constexpr Field placement_fields[]{
    {"constraints", &texts}, {"preferences", &preferences}, {"max_replicas_per_node", &whole}};
constexpr Shape placement{.name = "mapping", .types = type::mapping, .fields = placement_fields};
constexpr Field deploy_fields[]{{"mode", &text},
                                {"endpoint_mode", &text},
                                {"replicas", &whole},
                                {"labels", &list_or_map},
                                {"rollback_config", &update},
                                {"update_config", &update},
                                {"resources", &resources},
                                {"restart_policy", &restart_policy},
                                {"placement", &placement}};
constexpr Shape deploy{.name = "mapping", .types = type::mapping | type::null, .fields = deploy_fields};

}  // namespace consort::compose::shapes

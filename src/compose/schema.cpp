#include "compose/schema.hpp"

namespace consort::compose {

const Field* Shape::find(std::string_view key) const {
  for (const Field& field : fields) {
    if (field.key == key) return &field;
  }
  return nullptr;
}

namespace {

using std::string_view;

bool contains_container_name(string_view text) {
  const auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const char c = text[i + 1];
    if (alnum(text[i]) && (alnum(c) || c == '_' || c == '.' || c == '-')) return true;
  }
  return false;
}

bool contains_pull_policy(string_view text) {
  for (const string_view word :
       {"always", "never", "build", "if_not_present", "missing", "refresh", "daily", "weekly"}) {
    if (text.find(word) != string_view::npos) return true;
  }
  const std::size_t every = text.find("every_");
  if (every == string_view::npos) return false;
  std::size_t i = every + 6;
  const std::size_t digits = i;
  while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
  return i > digits && i < text.size() && string_view("wdhms").find(text[i]) != string_view::npos;
}

// Scalars.
const Shape text{.name = "string", .types = type::string};
const Shape text_or_null{.name = "string", .types = type::string | type::null};
const Shape flag{.name = "boolean", .types = type::boolean | type::string, .example = "true"};
const Shape strict_flag{.name = "boolean", .types = type::boolean, .example = "true"};
const Shape whole{.name = "whole number", .types = type::integer | type::string, .example = "3"};
const Shape strict_whole{.name = "whole number", .types = type::integer, .example = "3"};
const Shape numeric{.name = "number", .types = type::number | type::string, .example = "1.5"};
const Shape strict_number{.name = "number", .types = type::number, .example = "10"};
const Shape duration{.name = "duration", .types = type::string, .example = "30s"};
const Shape size{.name = "size", .types = type::number | type::string, .example = "512m"};
const Shape size_integer{.name = "size", .types = type::integer | type::string, .example = "512m"};
const Shape size_text{.name = "size", .types = type::string, .example = "512M"};
const Shape text_or_number{.name = "string or number", .types = type::string | type::number};
const Shape text_or_integer{.name = "string or whole number", .types = type::string | type::integer};
const Shape text_or_flag{.name = "string or boolean", .types = type::string | type::boolean};
const Shape option_value{.name = "string or number", .types = type::string | type::number | type::null};
const Shape scalar_value{.name = "string, number or boolean",
                         .types = type::string | type::number | type::boolean | type::null};
const Shape count_0{
    .name = "whole number", .types = type::integer | type::string, .example = "2", .minimum = 0, .maximum = 1e18};
const Shape percent{
    .name = "whole number", .types = type::integer | type::string, .example = "50", .minimum = 0, .maximum = 100};
const Shape oom_score{.name = "whole number",
                      .types = type::integer | type::string,
                      .example = "-500",
                      .minimum = -1000,
                      .maximum = 1000};
const Shape file_mode{.name = "file mode", .types = type::number | type::string, .example = "0440"};

// Lists and free mappings.
const Shape texts{.name = "list", .types = type::sequence, .example = "[one, two]", .item = &text};
const Shape unique_texts{
    .name = "list", .types = type::sequence, .example = "[one, two]", .item = &text, .unique = true};
const Shape unique_scalars{
    .name = "list", .types = type::sequence, .example = "[\"8000\"]", .item = &text_or_number, .unique = true};
const Shape text_or_texts{.name = "string or list",
                          .types = type::string | type::sequence,
                          .example = "[one, two]",
                          .item = &text,
                          .unique = true};
const Shape text_or_any_texts{.name = "string or list", .types = type::string | type::sequence, .item = &text};
const Shape command{.name = "command: string or list",
                    .types = type::null | type::string | type::sequence,
                    .example = "[\"python\", \"app.py\"]",
                    .item = &text};
const Shape list_or_map{.name = "mapping or list",
                        .types = type::mapping | type::sequence,
                        .example = "{KEY: value} or [KEY=value]",
                        .item = &text,
                        .unique = true,
                        .value = &scalar_value,
                        .keys = KeyRule::not_empty};
const Shape option_map{.name = "mapping", .types = type::mapping, .example = "{key: value}", .value = &text_or_number};
const Shape text_map{.name = "mapping", .types = type::mapping, .value = &text, .keys = KeyRule::not_empty};
const Shape host_addresses{
    .name = "address or list of addresses", .types = type::string | type::sequence, .item = &text};
const Shape extra_hosts{.name = "list or mapping",
                        .types = type::mapping | type::sequence,
                        .example = "[\"host=1.2.3.4\"]",
                        .item = &text,
                        .unique = true,
                        .value = &host_addresses,
                        .keys = KeyRule::not_empty};

// Nested attributes.
constexpr string_view soft_hard[]{"soft", "hard"};
const Field ulimit_fields[]{{"hard", &whole}, {"soft", &whole}};
const Shape ulimit{.name = "number or mapping",
                   .types = type::integer | type::string | type::mapping,
                   .example = "65535 or {soft: 20000, hard: 40000}",
                   .fields = ulimit_fields,
                   .required = soft_hard};
const Shape ulimits{.name = "mapping",
                    .types = type::mapping,
                    .example = "{nofile: 65535}",
                    .value = &ulimit,
                    .keys = KeyRule::lower_letters};

const Field reference_fields[]{
    {"source", &text}, {"target", &text}, {"uid", &text}, {"gid", &text}, {"mode", &file_mode}};
const Shape file_reference{.name = "name or mapping",
                           .types = type::string | type::mapping,
                           .example = "{source: name, target: /path}",
                           .fields = reference_fields};
const Shape file_references{.name = "list", .types = type::sequence, .example = "[name]", .item = &file_reference};

constexpr string_view command_key[]{"command"};
const Field hook_fields[]{{"command", &command},
                          {"user", &text},
                          {"privileged", &flag},
                          {"working_dir", &text},
                          {"environment", &list_or_map}};
const Shape hook{.name = "mapping",
                 .types = type::mapping,
                 .example = "{command: [\"sh\", \"-c\", \"true\"]}",
                 .fields = hook_fields,
                 .required = command_key};
const Shape hooks{.name = "list", .types = type::sequence, .item = &hook};

const Field build_fields[]{{"context", &text},
                           {"dockerfile", &text},
                           {"dockerfile_inline", &text},
                           {"entitlements", &texts},
                           {"args", &list_or_map},
                           {"provenance", &text_or_flag},
                           {"sbom", &text_or_flag},
                           {"ssh", &list_or_map},
                           {"labels", &list_or_map},
                           {"cache_from", &texts},
                           {"cache_to", &texts},
                           {"no_cache", &flag},
                           {"no_cache_filter", &text_or_texts},
                           {"additional_contexts", &list_or_map},
                           {"pull", &flag},
                           {"extra_hosts", &extra_hosts},
                           {"isolation", &text, "Windows only"},
                           {"network", &text},
                           {"target", &text},
                           {"secrets", &file_references},
                           {"shm_size", &size_integer},
                           {"tags", &texts},
                           {"ulimits", &ulimits},
                           {"platforms", &texts},
                           {"privileged", &flag}};
const Shape build{.name = "string or mapping",
                  .types = type::string | type::mapping,
                  .example = ". or {context: .}",
                  .fields = build_fields};

const Field limit_fields[]{{"path", &text}, {"rate", &size_integer}};
const Shape blkio_limit{.name = "mapping", .types = type::mapping, .fields = limit_fields, .extensions = false};
const Shape blkio_limits{.name = "list", .types = type::sequence, .item = &blkio_limit};
const Field weight_fields[]{{"path", &text}, {"weight", &whole}};
const Shape blkio_weight{.name = "mapping", .types = type::mapping, .fields = weight_fields, .extensions = false};
const Shape blkio_weights{.name = "list", .types = type::sequence, .item = &blkio_weight};
const Field blkio_fields[]{{"weight", &whole},
                           {"weight_device", &blkio_weights},
                           {"device_read_bps", &blkio_limits},
                           {"device_read_iops", &blkio_limits},
                           {"device_write_bps", &blkio_limits},
                           {"device_write_iops", &blkio_limits}};
const Shape blkio{.name = "mapping", .types = type::mapping, .fields = blkio_fields, .extensions = false};

const Field credential_fields[]{{"config", &text}, {"file", &text}, {"registry", &text}};
const Shape credential_spec{.name = "mapping", .types = type::mapping, .fields = credential_fields};

constexpr string_view conditions[]{"service_started", "service_healthy", "service_completed_successfully"};
const Shape condition{.name = "condition", .types = type::string, .example = "service_healthy", .choices = conditions};
constexpr string_view condition_key[]{"condition"};
const Field dependency_fields[]{{"restart", &flag}, {"required", &strict_flag}, {"condition", &condition}};
const Shape dependency{.name = "mapping",
                       .types = type::mapping,
                       .example = "{condition: service_started}",
                       .fields = dependency_fields,
                       .required = condition_key};
const Shape depends_on{.name = "list or mapping",
                       .types = type::sequence | type::mapping,
                       .example = "[db]",
                       .item = &text,
                       .unique = true,
                       .value = &dependency,
                       .keys = KeyRule::resource_name};

constexpr string_view source_key[]{"source"};
const Field device_fields[]{{"source", &text}, {"target", &text}, {"permissions", &text}};
const Shape device{.name = "string or mapping",
                   .types = type::string | type::mapping,
                   .example = "/dev/ttyUSB0:/dev/ttyUSB0",
                   .fields = device_fields,
                   .required = source_key};
const Shape devices{.name = "list", .types = type::sequence, .item = &device};

const Field request_fields[]{{"capabilities", &unique_texts},
                             {"count", &text_or_integer},
                             {"device_ids", &unique_texts},
                             {"driver", &text},
                             {"options", &list_or_map}};
constexpr string_view capabilities_key[]{"capabilities"};
const Shape deploy_device{.name = "mapping",
                          .types = type::mapping,
                          .example = "{capabilities: [gpu]}",
                          .fields = request_fields,
                          .required = capabilities_key};
const Shape deploy_devices{.name = "list", .types = type::sequence, .item = &deploy_device};
const Shape gpu{.name = "mapping", .types = type::mapping, .fields = request_fields, .open = true};
constexpr string_view all_choice[]{"all"};
const Shape gpus{.name = "`all` or a list",
                 .types = type::string | type::sequence,
                 .example = "all",
                 .item = &gpu,
                 .choices = all_choice};

const Field discrete_fields[]{{"kind", &text}, {"value", &numeric}};
const Shape discrete{.name = "mapping", .types = type::mapping, .fields = discrete_fields};
const Field generic_fields[]{{"discrete_resource_spec", &discrete}};
const Shape generic{.name = "mapping", .types = type::mapping, .fields = generic_fields};
const Shape generics{.name = "list", .types = type::sequence, .item = &generic};
const Field limits_fields[]{{"cpus", &numeric}, {"memory", &size_text}, {"pids", &whole}};
const Shape limits{.name = "mapping", .types = type::mapping, .fields = limits_fields};
const Field reservation_fields[]{
    {"cpus", &numeric}, {"memory", &size_text}, {"generic_resources", &generics}, {"devices", &deploy_devices}};
const Shape reservations{.name = "mapping", .types = type::mapping, .fields = reservation_fields};
const Field resource_fields[]{{"limits", &limits}, {"reservations", &reservations}};
const Shape resources{.name = "mapping", .types = type::mapping, .fields = resource_fields};
constexpr string_view orders[]{"start-first", "stop-first"};
const Shape order{.name = "order", .types = type::string, .example = "stop-first", .choices = orders};
const Field update_fields[]{{"parallelism", &whole},         {"delay", &duration},
                            {"failure_action", &text},       {"monitor", &duration},
                            {"max_failure_ratio", &numeric}, {"order", &order}};
const Shape update{.name = "mapping", .types = type::mapping, .fields = update_fields};
const Field restart_fields[]{
    {"condition", &text}, {"delay", &duration}, {"max_attempts", &whole}, {"window", &duration}};
const Shape restart_policy{.name = "mapping", .types = type::mapping, .fields = restart_fields};
const Field preference_fields[]{{"spread", &text}};
const Shape preference{.name = "mapping", .types = type::mapping, .fields = preference_fields};
const Shape preferences{.name = "list", .types = type::sequence, .item = &preference};
const Field placement_fields[]{
    {"constraints", &texts}, {"preferences", &preferences}, {"max_replicas_per_node", &whole}};
const Shape placement{.name = "mapping", .types = type::mapping, .fields = placement_fields};
const Field deploy_fields[]{{"mode", &text},
                            {"endpoint_mode", &text},
                            {"replicas", &whole},
                            {"labels", &list_or_map},
                            {"rollback_config", &update},
                            {"update_config", &update},
                            {"resources", &resources},
                            {"restart_policy", &restart_policy},
                            {"placement", &placement}};
const Shape deploy{.name = "mapping", .types = type::mapping | type::null, .fields = deploy_fields};

constexpr string_view path_action[]{"path", "action"};
constexpr string_view actions[]{"rebuild", "sync", "restart", "sync+restart", "sync+exec"};
const Shape action{.name = "action", .types = type::string, .example = "sync", .choices = actions};
const Field watch_fields[]{{"ignore", &text_or_texts},    {"include", &text_or_texts}, {"path", &text},
                           {"action", &action},           {"target", &text},           {"exec", &hook},
                           {"initial_sync", &strict_flag}};
const Shape watch{.name = "mapping",
                  .types = type::mapping,
                  .example = "{path: ./src, action: sync, target: /app}",
                  .fields = watch_fields,
                  .required = path_action};
const Shape watches{.name = "list", .types = type::sequence, .item = &watch};
const Field develop_fields[]{{"watch", &watches}};
const Shape develop{.name = "mapping", .types = type::mapping | type::null, .fields = develop_fields};

constexpr string_view path_key[]{"path"};
const Field env_file_fields[]{{"path", &text}, {"required", &flag}, {"format", &text}};
const Shape env_file{.name = "path or mapping",
                     .types = type::string | type::mapping,
                     .example = ".env",
                     .fields = env_file_fields,
                     .extensions = false,
                     .required = path_key};
const Shape env_files{
    .name = "path or list of paths", .types = type::string | type::sequence, .example = "./app.env", .item = &env_file};

constexpr string_view service_key[]{"service"};
const Field extends_fields[]{{"service", &text}, {"file", &text}};
const Shape extends{.name = "name or mapping",
                    .types = type::string | type::mapping,
                    .example = "{file: common.yaml, service: base}",
                    .fields = extends_fields,
                    .extensions = false,
                    .required = service_key};

const Shape health_test{.name = "string or list",
                        .types = type::string | type::sequence,
                        .example = "[\"CMD-SHELL\", \"curl -f http://localhost\"]",
                        .item = &text};
const Field health_fields[]{{"disable", &flag},           {"interval", &duration}, {"retries", &numeric},
                            {"test", &health_test},       {"timeout", &duration},  {"start_period", &duration},
                            {"start_interval", &duration}};
const Shape healthcheck{.name = "mapping",
                        .types = type::mapping,
                        .example = "{test: [\"CMD\", \"true\"], interval: 10s}",
                        .fields = health_fields};

const Shape logging_options{.name = "mapping", .types = type::mapping, .value = &option_value};
const Field logging_fields[]{{"driver", &text}, {"options", &logging_options}};
const Shape logging{
    .name = "mapping", .types = type::mapping, .example = "{driver: json-file}", .fields = logging_fields};

const Field service_model_fields[]{{"endpoint_var", &text}, {"model_var", &text}};
const Shape service_model{.name = "mapping", .types = type::mapping | type::null, .fields = service_model_fields};
const Shape service_models{.name = "list or mapping",
                           .types = type::sequence | type::mapping,
                           .item = &text,
                           .unique = true,
                           .value = &service_model};

const Field attachment_fields[]{
    {"aliases", &unique_texts},   {"interface_name", &text},         {"ipv4_address", &text},
    {"ipv6_address", &text},      {"link_local_ips", &unique_texts}, {"mac_address", &text},
    {"driver_opts", &option_map}, {"priority", &strict_number},      {"gw_priority", &strict_number}};
const Shape attachment{.name = "mapping",
                       .types = type::mapping | type::null,
                       .example = "{aliases: [name]}",
                       .fields = attachment_fields};
const Shape service_networks{.name = "list or mapping",
                             .types = type::sequence | type::mapping,
                             .example = "[front, back]",
                             .item = &text,
                             .unique = true,
                             .value = &attachment,
                             .keys = KeyRule::resource_name};

const Field port_fields[]{{"name", &text},
                          {"mode", &text},
                          {"host_ip", &text},
                          {"target", &whole},
                          {"published", &text_or_integer},
                          {"protocol", &text},
                          {"app_protocol", &text}};
const Shape port{.name = "port, string or mapping",
                 .types = type::number | type::string | type::mapping,
                 .example = "\"8000:8000\"",
                 .fields = port_fields};
const Shape ports{.name = "list", .types = type::sequence, .example = "- \"8000:8000\"", .item = &port, .unique = true};

const Shape provider_list{.name = "scalar or list",
                          .types = type::string | type::number | type::boolean | type::sequence,
                          .item = &scalar_value};
const Shape provider_options{.name = "mapping", .types = type::mapping, .value = &provider_list};
constexpr string_view type_key[]{"type"};
const Field provider_fields[]{{"type", &text}, {"options", &provider_options}};
const Shape provider{.name = "mapping", .types = type::mapping, .fields = provider_fields, .required = type_key};

constexpr string_view recursions[]{"enabled", "disabled", "writable", "readonly"};
const Shape recursion{.name = "mode", .types = type::string, .choices = recursions};
constexpr string_view selinux_values[]{"z", "Z"};
const Shape selinux{.name = "z or Z", .types = type::string, .choices = selinux_values};
const Field bind_fields[]{
    {"propagation", &text}, {"create_host_path", &flag}, {"recursive", &recursion}, {"selinux", &selinux}};
const Shape bind{.name = "mapping", .types = type::mapping, .fields = bind_fields};
const Field volume_option_fields[]{{"labels", &list_or_map}, {"nocopy", &flag}, {"subpath", &text}};
const Shape volume_options{.name = "mapping", .types = type::mapping, .fields = volume_option_fields};
const Shape tmpfs_size{
    .name = "size", .types = type::integer | type::string, .example = "64m", .minimum = 0, .maximum = 1e18};
const Field tmpfs_fields[]{{"size", &tmpfs_size}, {"mode", &file_mode}};
const Shape tmpfs_options{.name = "mapping", .types = type::mapping, .fields = tmpfs_fields};
const Field image_fields[]{{"subpath", &text}};
const Shape image_options{.name = "mapping", .types = type::mapping, .fields = image_fields};
constexpr string_view mount_types[]{"bind", "volume", "tmpfs", "cluster", "npipe", "image"};
const Shape mount_type{.name = "type of mount", .types = type::string, .example = "bind", .choices = mount_types};
const Field mount_fields[]{{"type", &mount_type},       {"source", &text},         {"target", &text},
                           {"read_only", &flag},        {"consistency", &text},    {"bind", &bind},
                           {"volume", &volume_options}, {"tmpfs", &tmpfs_options}, {"image", &image_options}};
const Shape mount{.name = "string or mapping",
                  .types = type::string | type::mapping,
                  .example = "data:/var/lib/data",
                  .fields = mount_fields,
                  .required = type_key};
const Shape mounts{
    .name = "list", .types = type::sequence, .example = "- data:/var/lib/data", .item = &mount, .unique = true};

const Shape storage_options{
    .name = "mapping", .types = type::mapping, .example = "{size: 20G}", .value = &scalar_value};

constexpr string_view cgroup_choices[]{"host", "private"};
const Shape cgroup{.name = "host or private", .types = type::string, .choices = cgroup_choices};
const Shape container_name{.name = "name",
                           .types = type::string,
                           .pattern = &contains_container_name,
                           .pattern_text = "[a-zA-Z0-9][a-zA-Z0-9_.-]+"};
const Shape pull_policy{
    .name = "pull policy",
    .types = type::string,
    .example = "always",
    .pattern = &contains_pull_policy,
    .pattern_text = "always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+"};

const Field service_fields[]{
    {"profiles", &unique_texts},
    {"annotations", &list_or_map},
    {"attach", &flag},
    {"build", &build},
    {"develop", &develop},
    {"blkio_config", &blkio},
    {"cap_add", &unique_texts},
    {"cap_drop", &unique_texts},
    {"cgroup_parent", &text},
    {"cgroup", &cgroup},
    {"cpu_count", &count_0, "Windows only"},
    {"cpu_percent", &percent, "Windows only"},
    {"cpu_period", &numeric},
    {"cpu_quota", &numeric},
    {"cpu_rt_period", &numeric},
    {"cpu_rt_runtime", &numeric},
    {"cpus", &numeric},
    {"cpuset", &text},
    {"cpu_shares", &numeric},
    {"command", &command},
    {"configs", &file_references},
    {"container_name", &container_name},
    {"credential_spec", &credential_spec, "Windows only"},
    {"depends_on", &depends_on},
    {"deploy", &deploy},
    {"device_cgroup_rules", &unique_texts},
    {"devices", &devices},
    {"dns", &text_or_texts},
    {"dns_opt", &unique_texts},
    {"dns_search", &text_or_texts},
    {"domainname", &text},
    {"entrypoint", &command},
    {"provider", &provider},
    {"environment", &list_or_map},
    {"env_file", &env_files},
    {"expose", &unique_scalars},
    {"extends", &extends},
    {"external_links", &unique_texts},
    {"extra_hosts", &extra_hosts},
    {"group_add", &unique_scalars},
    {"gpus", &gpus},
    {"hostname", &text},
    {"healthcheck", &healthcheck},
    {"image", &text},
    {"init", &flag},
    {"ipc", &text},
    {"isolation", &text, "Windows only"},
    {"labels", &list_or_map},
    {"label_file", &text_or_any_texts},
    {"links", &unique_texts},
    {"logging", &logging},
    {"mem_limit", &size},
    {"mem_reservation", &size_integer},
    {"memswap_limit", &size},
    {"mem_swappiness", &whole},
    {"mac_address", &text},
    {"models", &service_models},
    {"network_mode", &text},
    {"networks", &service_networks},
    {"oom_kill_disable", &flag},
    {"oom_score_adj", &oom_score},
    {"pid", &text_or_null},
    {"pids_limit", &numeric},
    {"platform", &text},
    {"ports", &ports},
    {"privileged", &flag},
    {"pull_policy", &pull_policy},
    {"pull_refresh_after", &text},
    {"read_only", &flag},
    {"restart", &text},
    {"runtime", &text},
    {"scale", &whole},
    {"secrets", &file_references},
    {"security_opt", &unique_texts},
    {"shm_size", &size},
    {"stdin_open", &flag},
    {"stop_grace_period", &duration},
    {"stop_signal", &text},
    {"storage_opt", &storage_options},
    {"sysctls", &list_or_map},
    {"tmpfs", &text_or_texts},
    {"tty", &flag},
    {"ulimits", &ulimits},
    {"use_api_socket", &strict_flag},
    {"user", &text},
    {"userns_mode", &text},
    {"uts", &text},
    {"volumes", &mounts},
    {"volumes_from", &unique_texts},
    {"working_dir", &text},
    {"pre_start", &pre_start_hooks, "5.3; each has the attributes of a container"},
    {"post_start", &hooks},
    {"pre_stop", &hooks},
};
const Shape service{.name = "mapping", .types = type::mapping, .example = "{image: nginx}", .fields = service_fields};
const Shape services{.name = "mapping", .types = type::mapping, .value = &service, .keys = KeyRule::resource_name};

// Top level.
const Field external_fields[]{{"name", &text}};
const Shape external{.name = "boolean",
                     .types = type::boolean | type::string | type::mapping,
                     .example = "true",
                     .fields = external_fields};
const Shape open_external{.name = "boolean",
                          .types = type::boolean | type::string | type::mapping,
                          .example = "true",
                          .fields = external_fields,
                          .open = true};
const Field pool_fields[]{{"subnet", &text}, {"ip_range", &text}, {"gateway", &text}, {"aux_addresses", &text_map}};
const Shape pool{
    .name = "mapping", .types = type::mapping, .example = "{subnet: 172.28.0.0/16}", .fields = pool_fields};
const Shape pools{.name = "list", .types = type::sequence, .item = &pool};
const Field ipam_fields[]{{"driver", &text}, {"config", &pools}, {"options", &text_map}};
const Shape ipam{.name = "mapping", .types = type::mapping, .fields = ipam_fields};
const Field network_fields[]{{"name", &text},       {"driver", &text},        {"driver_opts", &option_map},
                             {"ipam", &ipam},       {"external", &external},  {"internal", &flag},
                             {"attachable", &flag}, {"labels", &list_or_map}, {"enable_ipv4", &flag},
                             {"enable_ipv6", &flag}};
const Shape network{.name = "mapping", .types = type::mapping | type::null, .fields = network_fields};
const Shape networks{.name = "mapping", .types = type::mapping, .value = &network, .keys = KeyRule::checked_name};
const Field volume_fields[]{{"name", &text},
                            {"driver", &text},
                            {"driver_opts", &option_map},
                            {"external", &external},
                            {"labels", &list_or_map}};
const Shape volume{.name = "mapping", .types = type::mapping | type::null, .fields = volume_fields};
const Shape volumes{.name = "mapping", .types = type::mapping, .value = &volume, .keys = KeyRule::resource_name};
const Field secret_fields[]{{"name", &text},
                            {"environment", &text},
                            {"file", &text},
                            {"external", &open_external},
                            {"labels", &list_or_map},
                            {"driver", &text},
                            {"driver_opts", &option_map},
                            {"template_driver", &text}};
const Shape secret{
    .name = "mapping", .types = type::mapping, .example = "{file: ./secret.txt}", .fields = secret_fields};
const Shape secrets{.name = "mapping", .types = type::mapping, .value = &secret, .keys = KeyRule::resource_name};
const Field config_fields[]{{"name", &text},           {"content", &text},           {"environment", &text},
                            {"file", &text},           {"external", &open_external}, {"labels", &list_or_map},
                            {"template_driver", &text}};
const Shape config{.name = "mapping", .types = type::mapping, .example = "{file: ./app.conf}", .fields = config_fields};
const Shape configs{.name = "mapping", .types = type::mapping, .value = &config, .keys = KeyRule::resource_name};
constexpr string_view model_key[]{"model"};
const Field model_fields[]{
    {"name", &text}, {"model", &text}, {"context_size", &strict_whole}, {"runtime_flags", &texts}};
const Shape model{.name = "mapping",
                  .types = type::mapping,
                  .example = "{model: ai/smollm2}",
                  .fields = model_fields,
                  .required = model_key};
const Shape models{.name = "mapping", .types = type::mapping, .value = &model, .keys = KeyRule::checked_name};
const Field include_fields[]{{"path", &text_or_texts}, {"env_file", &text_or_texts}, {"project_directory", &text}};
const Shape include{
    .name = "path or mapping", .types = type::string | type::mapping, .fields = include_fields, .extensions = false};
const Shape includes{.name = "list", .types = type::sequence, .example = "[other.yaml]", .item = &include};

const Field root_fields[]{
    {"version", &text, "ignored"}, {"name", &text},      {"include", &includes},  {"services", &services},
    {"jobs", &job_section, "5.6"}, {"models", &models},  {"networks", &networks}, {"volumes", &volumes},
    {"secrets", &secrets},         {"configs", &configs}};
const Shape root{.name = "mapping", .types = type::mapping, .fields = root_fields};

}  // namespace

const Shape& root_shape() {
  return root;
}
const Shape& service_shape() {
  return service;
}
const Shape& build_shape() {
  return build;
}

}  // namespace consort::compose

// A service.
#include "compose/schema/shapes.hpp"

namespace consort::compose {

namespace shapes {

namespace {

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

}  // namespace

constexpr Shape storage_options{
    .name = "mapping", .types = type::mapping, .example = "{size: 20G}", .value = &scalar_value};

constexpr string_view cgroup_choices[]{"host", "private"};
constexpr Shape cgroup{.name = "host or private", .types = type::string, .choices = cgroup_choices};
constexpr Shape container_name{.name = "name",
                               .types = type::string,
                               .pattern = &contains_container_name,
                               .pattern_text = "[a-zA-Z0-9][a-zA-Z0-9_.-]+"};
constexpr Shape pull_policy{
    .name = "pull policy",
    .types = type::string,
    .example = "always",
    .pattern = &contains_pull_policy,
    .pattern_text = "always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+"};

constexpr Field service_fields[]{
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
constexpr Shape service{
    .name = "mapping", .types = type::mapping, .example = "{image: nginx}", .fields = service_fields};
constexpr Shape services{.name = "mapping", .types = type::mapping, .value = &service, .keys = KeyRule::resource_name};

}  // namespace shapes

const Shape& service_shape() {
  return shapes::service;
}

}  // namespace consort::compose

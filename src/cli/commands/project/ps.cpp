#include <algorithm>
#include <functional>
#include <set>

#include "base/json.hpp"
#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/docker_config.hpp"
#include "cli/render/container_text.hpp"
#include "cli/render/template.hpp"
#include "cli/workspace.hpp"
#include "project/plan/names.hpp"
#include "project/verbs/select.hpp"

namespace consort::cli {

namespace {

std::string join_sorted(std::set<std::string> parts) {
  const std::vector<std::string> list(parts.begin(), parts.end());
  return join(list, ",");
}

std::string publishers_json(const std::vector<Publisher>& ports) {
  Json array = Json::array();
  for (const Publisher& port : ports)
    array.push_back({{"URL", port.url},
                     {"TargetPort", port.target},
                     {"PublishedPort", port.published},
                     {"Protocol", port.protocol}});
  return dump_json(array);
}

std::string created_at(SystemTime time) {
  std::string text = format_rfc3339_seconds(time);  // 2026-11-22T16:56:41Z
  std::ranges::replace(text, 'T', ' ');
  return text.substr(0, 19) + " +0000 UTC";
}

// A tool that runs a project on several engines may set this label; Docker Compose shows it as well.
std::string engine_of(const engine::Container& container) {
  const auto found = container.labels.find("com.docker.compose.engine");
  return found == container.labels.end() ? std::string() : found->second;
}

FormatRow row_of(const engine::Container& container, Shorten shorten, SystemTime now) {
  const std::vector<Publisher> ports = publishers(container);
  std::set<std::string> labels, mounts, networks;
  for (const auto& [key, value] : container.labels) labels.insert(key + "=" + value);
  std::size_t volumes = 0;
  for (const engine::MountPoint& mount : container.mounts) {
    if (mount.type == engine::MountType::tmpfs) continue;
    const std::string name = mount.name.empty() ? mount.source : mount.name;
    mounts.insert(shorten == Shorten::yes ? cut(name, 15) : name);
    if (mount.type == engine::MountType::volume) ++volumes;
  }
  for (const engine::Endpoint& endpoint : container.networks) networks.insert(endpoint.network);
  const std::string health = container.state.health.status == engine::HealthStatus::none
                                 ? ""
                                 : std::string(to_string(container.state.health.status));
  // As in Docker Compose: only for containers that have ended, not for those that could not start or are about to
  // restart.
  const engine::Status status = container.state.status;
  const bool ended = status == engine::Status::exited || status == engine::Status::dead;
  const int code = ended ? engine::shown_exit_code(container.state) : 0;
  return {
      {"Command", "COMMAND", command_text(container.command, shorten), ""},
      {"CreatedAt", "CREATED AT", created_at(container.created_at), ""},
      {"Engine", "ENGINE", engine_of(container), ""},
      {"ExitCode", "EXIT CODE", std::to_string(code), std::to_string(code)},
      {"Health", "HEALTH", health, ""},
      {"ID", "CONTAINER ID", shorten == Shorten::yes ? container.id.substr(0, 12) : container.id, ""},
      {"Image", "IMAGE", container.image, ""},
      {"Labels", "LABELS", join_sorted(labels), ""},
      {"LocalVolumes", "LOCAL VOLUMES", std::to_string(volumes), ""},
      {"Mounts", "MOUNTS", join_sorted(mounts), ""},
      {"Name", "NAME", container.name, ""},
      {"Names", "NAMES", container.name, ""},
      {"Networks", "NETWORKS", join_sorted(networks), ""},
      {"Ports", "PORTS", port_text(ports), ""},
      {"Project", "PROJECT", container.project, ""},
      {"Publishers", "PUBLISHERS", "", publishers_json(ports)},
      {"RunningFor", "CREATED", human_duration(now - container.created_at) + " ago", ""},
      {"Service", "SERVICE", container.service, ""},
      {"Size", "SIZE", "0B", ""},
      {"State", "STATE", std::string(to_string(container.state.status)), ""},
      {"Status", "STATUS", status_text(container.state, now), ""},
  };
}

Result<std::set<std::string>> wanted_states(const ParsedFlags& flags) {
  std::set<std::string> states;
  for (const std::string& state : flags.list("status")) states.insert(state);
  const std::string filter = flags.text("filter");
  if (filter.empty()) return states;
  const std::size_t equals = filter.find('=');
  if (equals == std::string::npos) return fail(Code::invalid, "arguments to --filter should be in form KEY=VAL");
  const std::string key = filter.substr(0, equals);
  const std::string value = filter.substr(equals + 1);
  if (key == "status") {
    states.insert(value);
  } else {
    return fail(Code::invalid, key == "source" ? "not implemented" : "unknown filter " + key);
  }
  return states;
}

bool is_shown(const engine::Container& container, const ParsedFlags& flags, const std::set<std::string>& states,
              const compose::Project* project) {
  if (!states.empty()) return states.contains(std::string(to_string(container.state.status)));
  if (!flags.on("orphans") && project && !project->services.contains(container.service) &&
      !project->jobs.contains(container.service))
    return false;
  return flags.on("all") || (container.state.running() && !container.oneoff);
}

bool has_engine(const std::vector<engine::Container>& containers) {
  return std::ranges::any_of(containers, [](const engine::Container& each) { return !engine_of(each).empty(); });
}

std::vector<std::string> columns_for(const std::vector<engine::Container>& containers, bool everywhere) {
  std::vector<std::string> columns{"Name", "Image", "Command", "Service", "RunningFor", "Status", "Ports"};
  if (everywhere) columns.insert(columns.begin() + 3, "Project");
  if (has_engine(containers)) columns.insert(std::ranges::find(columns, "Service") + 1, "Engine");
  return columns;
}

// Like `docker ps --last`: the most recently created containers, in any state.
void keep_last(std::vector<engine::Container>& containers, std::int64_t count) {
  std::ranges::stable_sort(containers, std::greater(), &engine::Container::created_at);
  containers.resize(std::min(containers.size(), saturated<std::size_t>(count)));
}

// The requested format, or the one in docker's own settings.
std::string format_of(const ParsedFlags& flags) {
  if (flags.has("format")) return flags.text("format");
  const std::string usual = docker_setting("psFormat");
  return usual.empty() ? "table" : usual;
}

}  // namespace

Result<int> run_ps(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  const std::set<std::string> states = TRY(wanted_states(flags));
  const bool everywhere = flags.on("all-projects");
  const auto workspace = TRY(Workspace::open(invocation, everywhere ? Need::engine : Need::name));
  auto containers =
      everywhere
          ? TRY(workspace->engine().list())
          : TRY(project::select_containers(workspace->session(), invocation.arguments, project::Oneoffs::include));
  if (everywhere) std::erase_if(containers, project::is_hook);
  const std::int64_t last = flags.on("latest") ? 1 : flags.integer("last").value_or(0);
  std::erase_if(containers, [&](const engine::Container& container) {
    return last <= 0 && !is_shown(container, flags, states, workspace->project());
  });
  if (last > 0) keep_last(containers, last);
  std::string text;
  if (flags.on("quiet")) {
    for (const engine::Container& container : containers) text += container.id + "\n";
  } else if (flags.on("services")) {
    std::set<std::string> services;
    for (const engine::Container& container : containers) services.insert(container.service);
    for (const std::string& service : services) text += service + "\n";
  } else {
    const SystemTime now = system_now();
    const Shorten shorten = flags.on("no-trunc") ? Shorten::no : Shorten::yes;
    std::vector<FormatRow> rows;
    for (const engine::Container& container : containers) rows.push_back(row_of(container, shorten, now));
    const std::string format = format_of(flags);
    // In JSON, only if a container has it: programs that read Docker Compose 2's rows do not know the field.
    if (format == "json" && !has_engine(containers))
      for (FormatRow& row : rows) std::erase_if(row, [](const FormatField& field) { return field.name == "Engine"; });
    text =
        TRY(format_rows(format, rows, columns_for(containers, everywhere), row_of(engine::Container{}, shorten, now)));
  }
  print_out(text);
  return 0;
}

}  // namespace consort::cli

// ls, port, top and volumes: short listings.
#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/filters.hpp"
#include "cli/commands/project/selection.hpp"
#include "cli/commands/project/volume_rows.hpp"
#include "cli/render/container_text.hpp"
#include "cli/render/table.hpp"
#include "cli/render/template.hpp"
#include "project/verbs/select.hpp"

namespace consort::cli {

namespace {

struct ListedProject {
  std::map<std::string, unsigned> states;
  std::string files;
};

std::string label_of(const engine::Container& container, const char* key) {
  const auto found = container.labels.find(key);
  return found == container.labels.end() ? std::string() : found->second;
}

std::string states_text(const std::map<std::string, unsigned>& states) {
  std::vector<std::string> parts;
  for (const auto& [state, count] : states) parts.push_back(state + "(" + std::to_string(count) + ")");
  return join(parts, ", ");
}

Result<std::vector<std::string>> name_filters(const ParsedFlags& flags) {
  std::vector<std::string> patterns;
  for (const std::string& filter : flags.list("filter")) {
    if (!filter.starts_with("name="))
      return fail(Code::invalid, "invalid filter '" + filter.substr(0, filter.find('=')) + "'");
    patterns.push_back(filter.substr(5));
  }
  return patterns;
}

// The pattern comes from the user. If it is not a valid regular expression, it is matched as plain text.
bool matches(const std::string& name, const std::vector<std::string>& patterns) {
  return patterns.empty() || std::ranges::any_of(patterns, [&](const std::string& pattern) {
           try {
             return std::regex_search(name, std::regex(pattern));
           } catch (const std::regex_error&) {
             return name.contains(pattern);
           }
         });
}

std::string address_text(const Publisher& publisher) {
  return (publisher.url.contains(':') ? "[" + publisher.url + "]" : publisher.url) + ":" +
         std::to_string(publisher.published);
}

// `docker port NAME` lists all ports of a container. For a service, Docker Compose requires a port.
Result<int> list_ports(Invocation& invocation) {
  const auto refused = [&] {
    return fail(Code::invalid,
                "requires at least 2 arg(s), only received " + std::to_string(invocation.arguments.size()));
  };
  if (invocation.arguments.empty()) return refused();
  const std::string& name = invocation.arguments[0];
  const auto workspace = TRY(Workspace::open(invocation, Need::name));
  const auto container =
      project::one_container(workspace->session(), name, index_of(invocation), project::Running::any);
  if (!container || container->name != name) return refused();
  for (const Publisher& each : publishers(*container))
    if (!each.url.empty())
      print_out(std::to_string(each.target) + "/" + each.protocol + " -> " + address_text(each) + "\n");
  return 0;
}

}  // namespace

Result<int> run_ls(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  const auto patterns = TRY(name_filters(flags));
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  std::map<std::string, ListedProject> projects;
  for (const engine::Container& container : TRY(workspace->engine().list())) {
    // Containers of `docker run` belong to no project: a project's name begins with a letter or a digit.
    if (container.project.empty() || container.project.starts_with('_')) continue;
    if (!matches(container.project, patterns)) continue;
    if (!flags.on("all") && !container.state.running()) continue;
    ListedProject& listed = projects[container.project];
    ++listed.states[std::string(to_string(container.state.status))];
    if (listed.files.empty()) listed.files = label_of(container, project::label::config_files);
  }
  const std::string format = flags.text("format", "table");
  if (flags.on("quiet")) {
    for (const auto& [name, listed] : projects) print_out(name + "\n");
  } else if (format == "json") {
    Json array = Json::array();
    for (const auto& [name, listed] : projects)
      array.push_back({{"Name", name}, {"Status", states_text(listed.states)}, {"ConfigFiles", listed.files}});
    print_out(escape_html(dump_json(array)) + "\n");
  } else if (format == "table") {
    std::vector<std::vector<std::string>> rows{{"NAME", "STATUS", "CONFIG FILES"}};
    for (const auto& [name, listed] : projects) rows.push_back({name, states_text(listed.states), listed.files});
    print_out(format_table(rows, wide_table));
  } else {
    return fail(Code::invalid, "unsupported format \"" + format + "\"");
  }
  return 0;
}

Result<int> run_port(Invocation& invocation) {
  if (invocation.arguments.size() < 2) return list_ports(invocation);
  const std::string port = invocation.arguments[1];
  const std::size_t slash = port.find('/');
  const std::string protocol =
      slash == std::string::npos ? to_lower(invocation.flags.text("protocol", "tcp")) : port.substr(slash + 1);
  const auto number = parse_unsigned(std::string_view(port).substr(0, slash));
  if (!number || *number > 65535)
    return fail(Code::invalid, "strconv.ParseUint: parsing \"" + port + "\": invalid syntax");
  const auto workspace = TRY(Workspace::open(invocation, Need::name));
  const engine::Container container = TRY(project::one_container(workspace->session(), invocation.arguments[0],
                                                                 index_of(invocation), project::Running::required));
  std::vector<std::string> known;
  for (const Publisher& each : publishers(container)) {
    if (each.target == *number && each.protocol == protocol && !each.url.empty()) {
      print_out(address_text(each) + "\n");
      return 0;
    }
    known.push_back((each.url.empty() ? "" : std::to_string(each.published) + ":") + std::to_string(each.target) + "/" +
                    each.protocol);
  }
  return fail(Code::not_found, "no port " + std::to_string(*number) + "/" + protocol + " for container " +
                                   container.name + ": " + join(known, ", "));
}

Result<int> run_top(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::name, invocation.arguments));
  const auto containers =
      TRY(project::select_containers(workspace->session(), invocation.arguments, project::Oneoffs::include));
  std::vector<std::vector<std::string>> rows;
  for (const engine::Container& container : containers) {
    if (!container.state.running()) continue;
    const engine::ProcessTable table = TRY(workspace->engine().top(container.id));
    if (rows.empty()) {
      rows.push_back({"SERVICE", "#"});
      rows[0].insert(rows[0].end(), table.titles.begin(), table.titles.end());
    }
    for (const engine::Strings& process : table.rows) {
      std::vector<std::string> row{container.service, std::to_string(container.number)};
      row.insert(row.end(), process.begin(), process.end());
      rows.push_back(std::move(row));
    }
  }
  if (!rows.empty()) print_out(format_table(rows, process_table));
  return 0;
}

namespace {

// A volume that a container uses is listed with that container; those of removed containers are listed here.
Result<> leave_out_used_anonymous(engine::Engine& engine, const std::string& project,
                                  std::vector<engine::Volume>& volumes) {
  if (std::ranges::none_of(volumes, &engine::Volume::anonymous)) return {};
  std::set<std::string> used;
  for (const engine::Container& container : TRY(engine.list({.project = project})))
    for (const engine::MountPoint& mount : container.mounts) used.insert(mount.name);
  std::erase_if(volumes, [&](const engine::Volume& each) { return each.anonymous && used.contains(each.spec.name); });
  return {};
}

}  // namespace

Result<int> run_volumes(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::name, invocation.arguments));
  std::set<std::string> used;
  if (!invocation.arguments.empty())
    for (const engine::Container& container :
         TRY(project::select_containers(workspace->session(), invocation.arguments, project::Oneoffs::leave_out)))
      for (const engine::MountPoint& mount : container.mounts) used.insert(mount.name);
  auto volumes = TRY(workspace->engine().list_volumes({{project::label::project, workspace->project_name()}}));
  TRY(leave_out_used_anonymous(workspace->engine(), workspace->project_name(), volumes));
  if (!invocation.arguments.empty())
    std::erase_if(volumes, [&](const engine::Volume& volume) { return !used.contains(volume.spec.name); });
  std::ranges::sort(volumes, {}, [](const engine::Volume& volume) { return volume.spec.name; });
  const auto row_of = [](const engine::Volume& volume) {
    const std::string driver = volume.spec.driver.empty() ? "local" : volume.spec.driver;
    return FormatRow{{"Availability", "AVAILABILITY", "N/A", ""},
                     {"Driver", "DRIVER", driver, ""},
                     {"Group", "GROUP", "N/A", ""},
                     {"Labels", "LABELS", text_of_pairs(volume.spec.labels), ""},
                     {"Links", "LINKS", "N/A", ""},
                     {"Mountpoint", "MOUNTPOINT", volume.mountpoint, ""},
                     {"Name", "VOLUME NAME", volume.spec.name, ""},
                     {"Scope", "SCOPE", "local", ""},
                     {"Size", "SIZE", "N/A", ""},
                     {"Status", "STATUS", "N/A", ""}};
  };
  std::vector<FormatRow> rows;
  for (const engine::Volume& volume : volumes) rows.push_back(row_of(volume));
  return print_volume_rows(invocation, rows, row_of({}));
}

}  // namespace consort::cli

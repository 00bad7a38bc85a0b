// top, stats, images, port, events, volumes and wait on a cluster.
#include <algorithm>
#include <cstdio>
#include <thread>

#include "base/json.hpp"
#include "base/narrow.hpp"
#include "base/os/sockets/inet_address.hpp"
#include "base/strings.hpp"
#include "cli/commands/cluster/cluster.hpp"
#include "cli/commands/cluster/forward_record.hpp"
#include "cli/commands/machine/moment.hpp"
#include "cli/commands/project/image_rows.hpp"
#include "cli/commands/project/selection.hpp"
#include "cli/commands/project/volume_rows.hpp"
#include "cli/render/container_text.hpp"
#include "cli/render/table.hpp"
#include "cli/render/template.hpp"
#include "kube/kinds.hpp"
#include "kube/observe.hpp"
#include "kube/verbs.hpp"

namespace consort::cli {

namespace {

using ClusterNeed = ClusterWorkspace::Need;

// The running pods of the services named in the command.
Result<std::vector<kube::PodState>> running_pods(ClusterWorkspace& workspace,
                                                 const std::vector<std::string>& services) {
  std::vector<kube::PodState> pods = TRY(kube::pods_of(workspace.session(), services));
  std::erase_if(pods, [](const kube::PodState& pod) { return !pod.running(); });
  return pods;
}

std::string percent_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f%%", value);
  return text;
}

FormatRow usage_row(const kube::PodState& pod, const kube::Usage& used, Shorten shorten) {
  const std::string id = shorten == Shorten::yes ? pod.uid.substr(0, 12) : pod.uid;
  const double share =
      pod.memory_limit == 0 ? 0 : 100.0 * static_cast<double>(used.memory) / static_cast<double>(pod.memory_limit);
  return {
      {"BlockIO", "BLOCK I/O", "N/A", ""},
      {"CPUPerc", "CPU %", percent_text(100 * used.processors), ""},
      {"Container", "CONTAINER", id, ""},
      {"ID", "CONTAINER ID", id, ""},
      {"MemPerc", "MEM %", percent_text(share), ""},
      {"MemUsage", "MEM USAGE / LIMIT", human_bytes_binary(used.memory) + " / " + human_bytes_binary(pod.memory_limit),
       ""},
      {"Name", "NAME", pod.name, ""},
      {"NetIO", "NET I/O", human_bytes_decimal(used.received) + " / " + human_bytes_decimal(used.sent), ""},
      {"PIDs", "PIDS", "N/A", ""},
  };
}

std::string event_text(const kube::ClusterEvent& event) {
  std::string time = format_rfc3339(event.time);
  time[10] = ' ';
  return time.substr(0, 26) + " " + to_lower(event.kind) + " " + event.reason + " " + event.id +
         " (message=" + event.message + ", name=" + event.name + ")\n\n";
}

std::string event_json(const kube::ClusterEvent& event) {
  return dump_json(Json{{"action", event.reason},
                        {"attributes", Json{{"message", event.message}, {"name", event.name}}},
                        {"id", event.id},
                        {"time", format_rfc3339(event.time)},
                        {"type", to_lower(event.kind)}}) +
         "\n";
}

}  // namespace

Result<int> cluster_top(Invocation& invocation, const ClusterTarget& target) {
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterNeed::name));
  std::vector<std::vector<std::string>> rows{{"SERVICE", "#", "UID", "PID", "PPID", "STIME", "TIME", "CMD"}};
  std::map<std::string, int> numbers;
  for (const kube::PodState& pod : TRY(running_pods(*workspace, invocation.arguments))) {
    const std::string number = std::to_string(++numbers[pod.service]);
    for (const kube::Process& each : TRY(kube::processes(workspace->session(), pod)))
      rows.push_back({pod.service, number, each.user, each.pid, each.parent, each.start, each.time, each.command});
  }
  if (rows.size() > 1) print_out(format_table(rows, process_table));
  return 0;
}

Result<int> cluster_stats(Invocation& invocation, const ClusterTarget& target) {
  const ParsedFlags& flags = invocation.flags;
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterNeed::name));
  const Shorten shorten = flags.on("no-trunc") ? Shorten::no : Shorten::yes;
  const bool once = flags.on("no-stream");
  for (;;) {
    const auto pods = TRY(running_pods(*workspace, invocation.arguments));
    const auto used = TRY(kube::usage(workspace->session(), pods));
    std::vector<FormatRow> rows;
    for (const kube::PodState& pod : pods) {
      const auto found = used.find(pod.name);
      rows.push_back(usage_row(pod, found == used.end() ? kube::Usage{} : found->second, shorten));
    }
    const std::string text =
        TRY(format_rows(flags.text("format", "table"), rows, {"ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO"},
                        usage_row({}, {}, shorten)));
    if (!once && invocation.terminal.out_is_terminal) draw_out("\033[H\033[J");
    print_out(text);
    if (once || workspace->session().cancel.token().stop_requested()) return 0;
    std::this_thread::sleep_for(std::chrono::seconds(2));  // clusters measure only every few seconds
  }
}

Result<int> cluster_images(Invocation& invocation, const ClusterTarget& target) {
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterNeed::name));
  std::map<std::string, kube::NodeImages> nodes;
  std::vector<ImageRow> rows;
  for (const kube::PodState& pod : TRY(kube::pods_of(workspace->session(), invocation.arguments))) {
    if (pod.image_digest.empty()) continue;  // not pulled yet
    auto [at, fresh] = nodes.try_emplace(pod.node);
    if (fresh) at->second = kube::node_images(workspace->session(), pod.node);
    ImageRow row{.container = pod.name};
    row.image.id = pod.image_digest;
    if (const auto size = at->second.sizes.find(pod.image_digest); size != at->second.sizes.end())
      row.image.size = size->second;
    if (const std::size_t slash = at->second.platform.find('/'); slash != std::string::npos) {
      row.image.platform.os = at->second.platform.substr(0, slash);
      row.image.platform.architecture = at->second.platform.substr(slash + 1);
    }
    set_name(row, pod.image);
    rows.push_back(std::move(row));
  }
  return print_image_rows(invocation, rows);
}

namespace {

// Where `up` would listen on this machine while it runs.
Result<int> port_of_file(const std::vector<compose::Port>& ports, std::uint64_t wanted, const std::string& protocol,
                         const kube::PodState& pod) {
  const std::string text = std::to_string(wanted) + "/" + protocol;
  std::vector<std::string> known;
  for (const compose::Port& each : ports) {
    const std::string of = each.protocol.empty() ? "tcp" : each.protocol;
    known.push_back(each.published + ":" + std::to_string(each.target) + "/" + of);
    if (each.target != wanted || of != protocol) continue;
    const auto here = parse_unsigned(each.published);
    if (!here || *here == 0)
      return fail(Error(Code::not_found, "look up port " + text + " of pod " + pod.name)
                      .why("the file leaves it open, and no attached `up` forwards it now"));
    const bool all = each.host_ip.empty() || each.host_ip == "0.0.0.0" || each.host_ip == "::";
    print_out(inet_text(all ? "127.0.0.1" : each.host_ip, saturated<std::uint16_t>(*here)) + "\n");
    return 0;
  }
  return fail(Code::not_found, "no port " + text + " for container " + pod.name + ": " + join(known, ", "));
}

}  // namespace

Result<int> cluster_port(Invocation& invocation, const ClusterTarget& target) {
  const std::string& service = invocation.arguments[0];
  const std::string port = invocation.arguments[1];
  const std::size_t slash = port.find('/');
  const std::string protocol =
      slash == std::string::npos ? to_lower(invocation.flags.text("protocol", "tcp")) : port.substr(slash + 1);
  const auto wanted = parse_unsigned(std::string_view(port).substr(0, slash));
  if (!wanted || *wanted > 65535)
    return fail(Code::invalid, "strconv.ParseUint: parsing \"" + port + "\": invalid syntax");
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterNeed::file));
  const kube::PodState pod = TRY(kube::one_pod(workspace->session(), service, index_of(invocation)));
  for (const kube::Published& each : TRY(kube::published(workspace->session(), service)))
    if (each.container == *wanted && each.protocol == protocol && !each.address.empty()) {
      print_out(inet_text(each.address, each.port) + "\n");
      return 0;
    }
  const auto here = protocol == "tcp" ? forwarded_at(workspace->session(), service, static_cast<std::uint16_t>(*wanted))
                                      : std::nullopt;
  if (here) {
    print_out(*here + "\n");
    return 0;
  }
  const compose::Project& project = *workspace->project();
  const auto found = project.services.find(service);
  static const std::vector<compose::Port> none;
  return port_of_file(found == project.services.end() ? none : found->second.ports, *wanted, protocol, pod);
}

Result<int> cluster_events(Invocation& invocation, const ClusterTarget& target) {
  const SystemTime now = system_now();
  const auto moment = [&](const char* name) -> Result<std::optional<SystemTime>> {
    if (!invocation.flags.has(name)) return std::nullopt;
    return TRY(parse_moment(invocation.flags.text(name), now));
  };
  const auto until = TRY(moment("until"));
  auto since = TRY(moment("since"));
  if (!since && !until) since = now;
  const bool json = invocation.flags.on("json");
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterNeed::name));
  const auto wanted = [&](const kube::ClusterEvent& event) {
    // Events on a cluster only have whole seconds.
    if (since && event.time < std::chrono::floor<std::chrono::seconds>(*since)) return false;
    return invocation.arguments.empty() || std::ranges::any_of(invocation.arguments, [&](const std::string& service) {
             const std::string name = kube::object_name(service);
             return event.name == name || event.name.starts_with(name + "-");
           });
  };
  TRY(kube::events(workspace->session(), until.value_or(SystemTime::max()), [&](const kube::ClusterEvent& event) {
    if (until && event.time > *until) return kube::Next::enough;
    if (wanted(event)) print_out(json ? event_json(event) : event_text(event));
    return kube::Next::more;
  }));
  return 0;
}

Result<int> cluster_volumes(Invocation& invocation, const ClusterTarget& target) {
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterNeed::name));
  auto all = TRY(kube::claims(workspace->session()));
  if (!invocation.arguments.empty()) {
    const auto pods = TRY(kube::pods_of(workspace->session(), invocation.arguments));
    std::erase_if(all, [&](const kube::Claim& claim) {
      return std::ranges::none_of(pods, [&](const kube::PodState& pod) {
        return std::ranges::any_of(pod.data, [&](const auto& each) { return each.first == claim.name; });
      });
    });
  }
  const auto row = [](const kube::Claim& claim) {
    return FormatRow{{"Driver", "DRIVER", claim.storage_class, ""},
                     {"Name", "VOLUME NAME", claim.name, ""},
                     {"Size", "SIZE", claim.size, ""},
                     {"Status", "STATUS", claim.phase, ""}};
  };
  std::vector<FormatRow> rows;
  for (const kube::Claim& each : all) rows.push_back(row(each));
  return print_volume_rows(invocation, rows, row({}));
}

Result<int> cluster_wait(Invocation& invocation, const ClusterTarget& target) {
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterNeed::name));
  kube::Session& session = workspace->session();
  std::set<std::string> awaited;
  for (const kube::PodState& pod : TRY(kube::pods_of(session, invocation.arguments))) awaited.insert(pod.name);
  int code = 0;
  kube::PodWatch watch(session.client, session.space, kube::project_selector(session.project_name));
  TRY(watch.follow(
      [&]() -> Result<kube::Next> {
        for (auto each = awaited.begin(); each != awaited.end();) {
          const auto pod = watch.pods().find(*each);
          if (pod != watch.pods().end() && !pod->second.ended()) {
            ++each;
            continue;
          }
          // A pod that has been removed reports nothing any more: it counts as killed.
          constexpr int killed = 137;
          code = pod == watch.pods().end() ? killed : pod->second.exit_code.value_or(1);
          print_out("container \"" + *each + "\" exited with status code " + std::to_string(code) + "\n");
          each = awaited.erase(each);
        }
        return awaited.empty() ? kube::Next::enough : kube::Next::more;
      },
      session.cancel.token()));
  return session.cancel.token().stop_requested() ? 130 : code;
}

}  // namespace consort::cli

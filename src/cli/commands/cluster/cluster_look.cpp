// ps, ls and logs on a cluster.
#include <algorithm>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "base/time_range.hpp"
#include "cli/commands/cluster/cluster.hpp"
#include "cli/commands/machine/moment.hpp"
#include "cli/render/container_text.hpp"
#include "cli/render/log_printer.hpp"
#include "cli/render/template.hpp"
#include "cli/workspace.hpp"
#include "kube/verbs.hpp"

namespace consort::cli {

namespace {

std::string state_of(const kube::PodState& pod) {
  if (pod.running()) return "running";
  if (pod.ended()) return "exited";
  return pod.restarts > 0 || pod.waiting == "CrashLoopBackOff" ? "restarting" : "created";
}

std::string status_text(const kube::PodState& pod, SystemTime now) {
  if (pod.deleting) return "Removing";
  if (pod.running_since) {
    const std::string up = "Up " + to_lower(human_duration(time_between(*pod.running_since, now)));
    return pod.probed ? up + (pod.ready ? " (healthy)" : " (health: starting)") : up;
  }
  const std::string code = std::to_string(pod.exit_code.value_or(0));
  if (pod.ended()) return "Exited (" + code + ")";
  if (state_of(pod) == "restarting") return "Restarting (" + code + ")";
  const auto trouble = kube::trouble_of(pod);
  return trouble ? "Created (" + cut(*trouble, 60) + ")" : "Created";
}

FormatRow row_of(const kube::PodState& pod, SystemTime now, Shorten shorten) {
  return {
      {"Command", "COMMAND", pod.command.empty() ? "" : command_text(pod.command, shorten), ""},
      {"Health", "HEALTH",
       !pod.probed ? ""
       : pod.ready ? "healthy"
                   : "starting",
       ""},
      {"ID", "CONTAINER ID", shorten == Shorten::yes ? pod.uid.substr(0, 12) : pod.uid, ""},
      {"Image", "IMAGE", pod.image, ""},
      {"Name", "NAME", pod.name, ""},
      {"Ports", "PORTS", join(pod.ports, ", "), ""},
      {"RunningFor", "CREATED", human_duration(time_between(pod.created, now)) + " ago", ""},
      {"Service", "SERVICE", pod.service, ""},
      {"State", "STATE", state_of(pod), ""},
      {"Status", "STATUS", status_text(pod, now), ""},
  };
}

}  // namespace

Result<int> cluster_ps(Invocation& invocation, const ClusterTarget& target) {
  const ParsedFlags& flags = invocation.flags;
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterWorkspace::Need::name));
  std::vector<kube::PodState> pods = TRY(kube::pods_of(workspace->session(), invocation.arguments));
  const std::vector<std::string> states = flags.list("status");
  std::erase_if(pods, [&](const kube::PodState& pod) {
    if (!states.empty()) return std::ranges::find(states, state_of(pod)) == states.end();
    return pod.ended() && !flags.on("all");
  });
  std::string text;
  if (flags.on("quiet")) {
    for (const kube::PodState& pod : pods) text += pod.name + "\n";
  } else if (flags.on("services")) {
    std::set<std::string> services;
    for (const kube::PodState& pod : pods) services.insert(pod.service);
    for (const std::string& service : services) text += service + "\n";
  } else {
    const SystemTime now = system_now();
    const Shorten shorten = flags.on("no-trunc") ? Shorten::no : Shorten::yes;
    std::vector<FormatRow> rows;
    for (const kube::PodState& pod : pods) rows.push_back(row_of(pod, now, shorten));
    text = TRY(format_rows(flags.text("format", "table"), rows,
                           {"Name", "Image", "Command", "Service", "RunningFor", "Status", "Ports"},
                           row_of({}, now, shorten)));
  }
  print_out(text);
  return 0;
}

Result<int> cluster_ls(Invocation& invocation, const ClusterTarget& target) {
  const auto cancel = TRY(project::Cancellation::create());
  const auto client =
      TRY(kube::Client::create(TRY(kube::find_cluster(target.context, process_environment())), cancel.token()));
  std::vector<FormatRow> rows;
  const auto row = [](const kube::Listed& listed) {
    std::vector<std::string> states;
    for (const auto& [state, count] : listed.states) states.push_back(state + "(" + std::to_string(count) + ")");
    return FormatRow{{"Name", "NAME", listed.name, ""},
                     {"Status", "STATUS", join(states, ", "), ""},
                     {"Namespace", "NAMESPACE", listed.space, ""}};
  };
  for (const kube::Listed& listed : TRY(kube::list_projects(*client))) rows.push_back(row(listed));
  if (invocation.flags.on("quiet")) {
    for (const FormatRow& each : rows) print_out(each[0].value + "\n");
    return 0;
  }
  print_out(TRY(format_rows(invocation.flags.text("format", "table"), rows, {"Name", "Status", "Namespace"}, row({}))));
  return 0;
}

Result<int> cluster_logs(Invocation& invocation, const ClusterTarget& target) {
  const ParsedFlags& flags = invocation.flags;
  for (const char* flag : {"until", "index"})
    if (flags.has(flag))
      return fail(Code::unsupported, "--" + std::string(flag) + " is not supported on Kubernetes yet");
  kube::LogOptions options{.tail = {}, .since = {}, .follow = flags.on("follow"), .timestamps = flags.on("timestamps")};
  if (const std::string tail = flags.text("tail", "all"); tail != "all" && !tail.empty()) {
    const auto number = parse_unsigned(tail);
    if (!number) return fail(Code::invalid, "invalid value for --tail: \"" + tail + "\"");
    options.tail = *number;
  }
  if (flags.has("since")) options.since = format_rfc3339_seconds(TRY(parse_moment(flags.text("since"), system_now())));
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterWorkspace::Need::name));
  LogPrinter printer({.prefix = !flags.on("no-log-prefix"),
                      .colour = !flags.on("no-color") && invocation.terminal.colour_out(),
                      .timestamps = flags.on("timestamps")});
  TRY(kube::show_logs(workspace->session(), invocation.arguments, options, printer));
  return 0;
}

}  // namespace consort::cli

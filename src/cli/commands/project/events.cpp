#include <poll.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "base/time_range.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/moment.hpp"
#include "cli/workspace.hpp"
#include "engine/events.hpp"
#include "project/verbs/select.hpp"

namespace consort::cli {

namespace {

std::string clock_text(SystemTime time) {
  std::string text = format_rfc3339(time);  // 2026-11-22T16:39:46.701844164Z
  text[10] = ' ';
  return text.substr(0, 26);
}

engine::StringMap shown_attributes(const engine::EngineEvent& event) {
  engine::StringMap result;
  for (const auto& [key, value] : event.attributes)
    if (!key.starts_with("com.docker.compose.")) result[key] = value;
  return result;
}

std::string value_of(const engine::StringMap& map, const char* key) {
  const auto found = map.find(key);
  return found == map.end() ? std::string() : found->second;
}

std::string text_of(const engine::EngineEvent& event) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : shown_attributes(event)) parts.push_back(key + "=" + value);
  return clock_text(event.time) + " " + event.type + " " + event.action + " " + event.id + " (" + join(parts, ", ") +
         ")\n\n";
}

std::string json_of(const engine::EngineEvent& event) {
  const Json object{{"action", event.action},
                    {"attributes", shown_attributes(event)},
                    {"id", event.id},
                    {"service", value_of(event.attributes, project::label::service)},
                    {"time", format_rfc3339(event.time)},
                    {"type", event.type}};
  return dump_json(object) + "\n";
}

struct Wanted {
  std::optional<SystemTime> since, until;
  std::vector<std::string> services;  // empty: all

  bool operator()(const engine::EngineEvent& event) const {
    if (event.type != "container" || value_of(event.attributes, project::label::oneoff) == "True") return false;
    if ((since && event.time < *since) || (until && event.time > *until)) return false;
    return services.empty() ||
           std::ranges::find(services, value_of(event.attributes, project::label::service)) != services.end();
  }
};

Result<std::optional<SystemTime>> moment_of(const ParsedFlags& flags, const char* name, SystemTime now) {
  const std::string text = flags.text(name);
  if (text.empty()) return std::nullopt;
  return TRY(parse_moment(text, now));
}

// As in Docker: with neither limit, events from now on; with only an end, all known events until then.
Result<Wanted> wanted_of(const Invocation& invocation, SystemTime now) {
  Wanted wanted;
  wanted.since = TRY(moment_of(invocation.flags, "since", now));
  wanted.until = TRY(moment_of(invocation.flags, "until", now));
  wanted.services = invocation.arguments;
  const auto seconds = [](SystemTime time) {
    return std::to_string(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
  };
  if (wanted.since && wanted.until && *wanted.until < *wanted.since)
    return fail(Code::invalid, "`since` time (" + seconds(*wanted.since) + ") cannot be after `until` time (" +
                                   seconds(*wanted.until) + ")");
  if (!wanted.since && !wanted.until) wanted.since = now;
  return wanted;
}

// Waits until there may be more events, or until the end time.
void wait_for_more(int watch_fd, const std::optional<SystemTime>& until) {
  using std::chrono::milliseconds;
  constexpr milliseconds longest(60'000);
  constexpr milliseconds pause(1000);  // the interval for sources that cannot be watched
  milliseconds patience = watch_fd < 0 ? pause : milliseconds(-1);
  if (until) {
    const auto left = std::clamp<Nanoseconds>(time_between(system_now(), *until), Nanoseconds(0), longest);
    patience = std::min(std::chrono::ceil<milliseconds>(left), watch_fd < 0 ? pause : longest);
  }
  pollfd more{watch_fd, POLLIN, 0};
  (void)::poll(&more, 1, static_cast<int>(patience.count()));
}

}  // namespace

Result<int> run_events(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::name, invocation.arguments));
  project::Session& session = workspace->session();
  Wanted wanted = TRY(wanted_of(invocation, system_now()));
  // Without a file, a named service may appear later.
  if (session.project && !wanted.services.empty()) {
    const auto containers = TRY(session.engine.list({.project = session.project_name}));
    TRY(project::check_services(session, containers, wanted.services));
    const std::set<std::string> named = project::services_named(containers, wanted.services);
    wanted.services = {named.begin(), named.end()};
  }
  const bool json = invocation.flags.on("json");
  engine::EventStream events = session.engine.events(session.project_name);
  while (true) {
    const bool over = wanted.until && system_now() >= *wanted.until;  // checked before the last read
    for (const engine::EngineEvent& event : TRY(events.next()))
      if (wanted(event)) print_out(json ? json_of(event) : text_of(event));
    if (over) return 0;
    wait_for_more(events.fd(), wanted.until);
  }
}

}  // namespace consort::cli

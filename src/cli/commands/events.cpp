#include <poll.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/moment.hpp"
#include "cli/workspace.hpp"

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

}  // namespace

Result<int> run_events(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  const auto workspace = TRY(Workspace::open(invocation, Need::name, invocation.arguments));
  project::Session& session = workspace->session();
  const SystemTime now = system_now();
  const SystemTime since = flags.has("since") ? TRY(parse_moment(flags.text("since"), now)) : now;
  std::optional<SystemTime> until;
  if (flags.has("until")) until = TRY(parse_moment(flags.text("until"), now));
  std::uint64_t serial = 0;
  while (true) {
    // The state stream tells that something has happened, the journal says what.
    const auto watch = TRY(session.engine.watch(session.project_name));
    for (const engine::EngineEvent& event : TRY(session.engine.events(serial, session.project_name))) {
      serial = std::max(serial, event.serial);
      const std::string service = value_of(event.attributes, project::label::service);
      const bool named = invocation.arguments.empty() ||
                         std::ranges::find(invocation.arguments, service) != invocation.arguments.end();
      const bool oneoff = value_of(event.attributes, project::label::oneoff) == "True";
      if (event.time < since || (until && event.time >= *until) || event.type != "container" || oneoff || !named)
        continue;
      print_out(flags.on("json") ? json_of(event) : text_of(event));
    }
    if (until && system_now() >= *until) return 0;
    pollfd fds[] = {{watch->fd(), POLLIN, 0}, {session.interrupt_fd, POLLIN, 0}};
    // Events of a project without a supervisor come from other commands only: looked for once a second.
    const int patience = watch->fd() < 0 || until ? 1000 : -1;
    if (::poll(fds, 2, patience) > 0 && fds[1].revents) return fail(Code::interrupted, "interrupted");
  }
}

}  // namespace consort::cli

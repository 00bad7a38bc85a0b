// The events that a container reports to subscribers and records for `events`.
#include <algorithm>
#include <utility>

#include "supervisor/container/container.hpp"
#include "supervisor/journal.hpp"

namespace consort::supervisor {
namespace {

// The argument of an exec may be a whole script.
constexpr std::size_t argv_bytes_limit = std::size_t{16} << 10;

// Docker's name for the event; "": Docker has no such event.
std::string action_of(EventKind kind, const ContainerState& state) {
  switch (kind) {
    case EventKind::restarting:
    case EventKind::forget:
    case EventKind::exec_start:  // recorded with its number: note_exec()
    case EventKind::exec_die:
      return {};
    case EventKind::health:
      return "health_status: " + std::string(to_string(state.health.status));
    default:
      return std::string(to_string(kind));
  }
}

std::map<std::string, std::string> attributes_of(EventKind kind, const ContainerState& state, int signal) {
  std::map<std::string, std::string> own;
  if (kind == EventKind::kill) own["signal"] = std::to_string(signal);
  if (kind != EventKind::die) return own;
  if (state.exit_code) own["exitCode"] = std::to_string(*state.exit_code);
  if (state.started_at && state.finished_at) {
    const auto ran = std::chrono::duration_cast<std::chrono::seconds>(*state.finished_at - *state.started_at);
    own["execDuration"] = std::to_string(ran.count());
  }
  return own;
}

// "0.0.0.0:8080->80/tcp"
std::string port_text(const BoundPort& port) {
  const std::string host = port.host_ip.contains(':') ? "[" + port.host_ip + "]" : port.host_ip;
  return host + ":" + std::to_string(port.host_port) + "->" + std::to_string(port.container_port) + "/" + port.protocol;
}

}  // namespace

// Joined as in Docker: program, space, arguments; with the space even if there are no arguments.
std::string argv_text(const std::vector<std::string>& argv) {
  std::string text;
  for (std::size_t i = 0; i < argv.size() && text.size() < argv_bytes_limit; ++i)
    text += (i > 1 ? " " : "") + argv[i] + (i == 0 ? " " : "");
  if (text.size() > argv_bytes_limit) text.resize(argv_bytes_limit);
  return text;
}

void Container::tell(EventKind kind, int signal, std::string exec_argv) {
  Event event;
  event.kind = kind;
  event.time = system_now();
  event.signal = signal;
  event.exec_argv = std::move(exec_argv);
  event.state = record_.state;
  if (context_.emit) context_.emit(event);
}

// Recorded first, so that subscribers who are notified find the record.
void Container::emit(EventKind kind, int signal, std::string exec_argv) {
  if (std::string action = action_of(kind, record_.state); !action.empty())
    note(std::move(action), attributes_of(kind, record_.state, signal));
  tell(kind, signal, std::move(exec_argv));
}

void Container::note(std::string action, std::map<std::string, std::string> attributes, ExecTable::Id exec) {
  note(JournalEntry{.time = system_now(),
                    .action = std::move(action),
                    .id = unit_.id,
                    .name = unit_.name,
                    .attributes = std::move(attributes),
                    .exec = exec});
}

// If the journal cannot be written (the disk is full), nothing else fails.
void Container::note(const JournalEntry& entry) {
  const Result<> noted = append_to_journal(context_.run_directory, entry);
  if (!noted && !std::exchange(context_.journal_failed, true)) log_line(noted.error().message());
}

// Shown in the state while it lasts, and in the events when it begins and ends.
void Container::note_log_trouble(const LogTrouble& now) {
  const std::string before = std::exchange(record_.state.log, now.any() ? now : LogTrouble{}).why;
  save();
  if (before == now.why) return;
  std::map<std::string, std::string> attributes;
  if (now.lost_bytes > 0) attributes["lostBytes"] = std::to_string(now.lost_bytes);
  note(now.any() ? "log_failing: " + now.why : "log_written", std::move(attributes));
}

// Shown in the state and in the events, too.
void Container::note_ports() {
  const ContainerState& state = record_.state;
  const std::vector<BoundPort> ports = state.ports;
  const std::vector<LostPort> before = state.lost_ports;
  take_ports();
  if (ports == state.ports && before == state.lost_ports) return;
  save();
  const auto tell_each = [this](const std::vector<LostPort>& of, const std::vector<LostPort>& not_in, auto text_of) {
    for (const LostPort& each : of) {
      if (std::ranges::find(not_in, each.port, &LostPort::port) != not_in.end()) continue;
      const std::string text = text_of(each);
      log_line(label() + ": " + text);
      note(text, {});
    }
  };
  tell_each(state.lost_ports, before,
            [](const LostPort& p) { return "port_lost: " + port_text(p.port) + ": " + p.why; });
  tell_each(before, state.lost_ports, [](const LostPort& p) { return "port_served: " + port_text(p.port); });
}

// The firewall may still have rules for lost ports.
void Container::take_ports() {
  ContainerState& state = record_.state;
  record_.told_ports = run_->network->bound_ports();
  state.ports = run_->network->shown_ports();
  state.lost_ports = run_->network->lost_ports();
  for (const LostPort& each : state.lost_ports) record_.told_ports.push_back(each.port);
}

void Container::note_exec(const std::string& argv, ExecTable::Id exec) {
  note("exec_create: " + argv, {}, exec);
  note("exec_start: " + argv, {}, exec);
}

void Container::note_exec_end(ExecTable::Id exec, std::optional<int> wait_status) {
  std::map<std::string, std::string> attributes;
  if (wait_status) attributes["exitCode"] = std::to_string(exit_status_of(*wait_status).code);
  note("exec_die", std::move(attributes), exec);
}

}  // namespace consort::supervisor

#include "supervisor/protocol.hpp"

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "supervisor/container/state_json.hpp"

namespace consort::supervisor {
namespace {

constexpr std::array<std::string_view, 19> op_names{
    "snapshot", "subscribe", "start",  "stop",   "restart", "kill",     "pause", "unpause", "reconnect", "wait",
    "exec",     "exec_wait", "resize", "attach", "forget",  "shutdown", "end",   "clock",   "fire"};
constexpr std::array<std::string_view, 13> event_names{"start",      "die",      "kill",  "stop",    "restart",
                                                       "restarting", "oom",      "pause", "unpause", "health",
                                                       "exec_start", "exec_die", "forget"};
constexpr std::array<std::string_view, 10> code_names{"invalid", "not_found", "conflict",    "unsupported", "denied",
                                                      "busy",    "io",        "interrupted", "lost",        "internal"};
constexpr std::array<std::string_view, 11> subject_names{
    "none", "address", "archive_entry", "container_name", "dependency",       "mount",
    "port", "program", "setting",       "user",           "working_directory"};

template <typename Enum, std::size_t size>
std::optional<Enum> named(const std::array<std::string_view, size>& names, std::string_view text) {
  for (std::size_t i = 0; i < size; ++i)
    if (names[i] == text) return static_cast<Enum>(i);
  return std::nullopt;
}

std::unexpected<Error> bad(const char* message, const std::string& field) {
  return fail(Error(Code::invalid, std::string("read ") + message).why("bad field " + field));
}

std::optional<std::int64_t> integer(const Json& json, std::string_view key, std::int64_t least, std::int64_t most) {
  const Json* value = find_key(json, key);
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > std::uint64_t{INT64_MAX}) return std::nullopt;
  const auto found = value->get<std::int64_t>();
  if (found < least || found > most) return std::nullopt;
  return found;
}

// Ids become file names: only lower-case hexadecimal digits are allowed.
bool valid_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool needs_id(Op op) {
  return op != Op::snapshot && op != Op::subscribe && op != Op::start && op != Op::shutdown && op != Op::end &&
         op != Op::clock;
}

Json failure_as_json(const Failure& failure) {
  Json json{{"code", code_names[static_cast<std::size_t>(failure.code)]}, {"message", failure.message}};
  if (!failure.hint.empty()) json["hint"] = failure.hint;
  if (failure.exit_code) json["exit_code"] = *failure.exit_code;
  if (failure.subject != Subject::none)
    json["subject"] = {{"kind", subject_names[static_cast<std::size_t>(failure.subject)]},
                       {"name", failure.subject_name}};
  return json;
}

Failure failure_of_json(const Json& json) {
  Failure failure;
  failure.code = named<Code>(code_names, get_string(json, "code")).value_or(Code::internal);
  failure.message = get_string(json, "message");
  failure.hint = get_string(json, "hint");
  if (const auto code = integer(json, "exit_code", 0, 255)) failure.exit_code = static_cast<int>(*code);
  if (const Json* subject = find_key(json, "subject")) {
    failure.subject = named<Subject>(subject_names, get_string(*subject, "kind")).value_or(Subject::none);
    failure.subject_name = get_string(*subject, "name");
  }
  return failure;
}

}  // namespace

std::string_view to_string(Op op) {
  return op_names[static_cast<std::size_t>(op)];
}
std::string_view to_string(EventKind kind) {
  return event_names[static_cast<std::size_t>(kind)];
}
std::optional<Op> op_from(std::string_view text) {
  return named<Op>(op_names, text);
}
std::optional<EventKind> event_kind_from(std::string_view text) {
  return named<EventKind>(event_names, text);
}

std::string request_to_json(const Request& request) {
  Json json{{"op", to_string(request.op)}};
  if (!request.id.empty()) json["id"] = request.id;
  if (!request.unit.empty()) json["unit"] = request.unit;
  if (!request.made.descriptors.empty()) json["made"] = request.made.descriptors;
  if (!request.made.host_links.empty()) json["host_links"] = request.made.host_links;
  if (request.timeout) json["timeout_ms"] = std::max<std::int64_t>(request.timeout->count(), -1);  // -1: no timeout
  if (request.signal) json["signal"] = *request.signal;
  if (request.op == Op::wait) json["until"] = request.until == WaitUntil::next_exit ? "next_exit" : "not_running";
  if (!request.process.empty()) json["process"] = request.process;
  if (request.tty) json["tty"] = true;
  if (request.streams) json["streams"] = true;
  if (request.detach) json["detach"] = true;
  if (request.exec != 0) json["exec"] = request.exec;
  if (!request.job.empty()) json["job"] = request.job;
  if (request.reschedule) json["reschedule"] = true;
  if (request.op == Op::resize) {
    json["rows"] = request.rows;
    json["columns"] = request.columns;
  }
  return dump_json(json);
}

Result<Request> request_from_json(std::string_view text) {
  const Json json = TRY(parse_json(text, "request"));
  const auto op = op_from(get_string(json, "op"));
  if (!op) return bad("request", "op");
  Request request;
  request.op = *op;
  request.id = get_string(json, "id");
  if (needs_id(*op) && !valid_id(request.id)) return bad("request", "id");
  request.unit = get_string(json, "unit");
  request.made.descriptors = get_strings(json, "made");
  request.made.host_links = get_strings(json, "host_links");
  if (*op == Op::start && !request.unit.starts_with('/')) return bad("request", "unit");
  if (find_key(json, "timeout_ms") != nullptr) {
    const auto timeout = integer(json, "timeout_ms", -1, std::int64_t{1} << 52);
    if (!timeout) return bad("request", "timeout_ms");
    request.timeout = Milliseconds(*timeout);
  }
  if (find_key(json, "signal") != nullptr) {
    const auto signal = integer(json, "signal", 0, 64);
    if (!signal) return bad("request", "signal");
    request.signal = static_cast<int>(*signal);
  }
  if (*op == Op::kill && !request.signal) return bad("request", "signal");
  request.until = get_string(json, "until") == "next_exit" ? WaitUntil::next_exit : WaitUntil::not_running;
  request.process = get_string(json, "process");
  if (*op == Op::exec && request.process.empty()) return bad("request", "process");
  request.tty = get_bool(json, "tty");
  request.streams = get_bool(json, "streams");
  request.detach = get_bool(json, "detach");
  request.job = get_string(json, "job");
  request.reschedule = get_bool(json, "reschedule");
  if (*op == Op::fire && request.job.empty()) return bad("request", "job");
  request.exec = static_cast<std::uint64_t>(integer(json, "exec", 0, INT64_MAX).value_or(0));
  request.rows = static_cast<std::uint16_t>(integer(json, "rows", 0, 65535).value_or(0));
  request.columns = static_cast<std::uint16_t>(integer(json, "columns", 0, 65535).value_or(0));
  return request;
}

std::string reply_to_json(const Reply& reply) {
  Json json{{"ok", reply.ok}};
  if (reply.failure) json["error"] = failure_as_json(*reply.failure);
  if (reply.state) json["state"] = state_as_json(*reply.state);
  if (!reply.states.empty()) {
    Json states = Json::array();
    for (const ObservedContainer& state : reply.states) states.push_back(state_as_json(state));
    json["states"] = std::move(states);
  }
  if (reply.more) json["more"] = true;
  if (reply.exec != 0) json["exec"] = reply.exec;
  if (reply.pid != 0) json["pid"] = reply.pid;
  if (reply.tty) json["tty"] = true;
  if (reply.exit_code) json["exit_code"] = *reply.exit_code;
  return dump_json(json);
}

Result<Reply> reply_from_json(std::string_view text) {
  const Json json = TRY(parse_json(text, "reply"));
  if (!json.is_object()) return bad("reply", "(root)");
  Reply reply;
  reply.ok = get_bool(json, "ok");
  if (const Json* error = find_key(json, "error")) reply.failure = failure_of_json(*error);
  if (!reply.ok && !reply.failure) return bad("reply", "error");
  if (const Json* state = find_key(json, "state")) reply.state = TRY(state_of_json(*state, "reply"));
  if (const Json* states = find_key(json, "states"); states != nullptr && states->is_array())
    for (const Json& state : *states) reply.states.push_back(TRY(state_of_json(state, "reply")));
  reply.more = get_bool(json, "more");
  reply.exec = static_cast<std::uint64_t>(integer(json, "exec", 0, INT64_MAX).value_or(0));
  reply.pid = static_cast<pid_t>(integer(json, "pid", 0, INT32_MAX).value_or(0));
  reply.tty = get_bool(json, "tty");
  if (const auto code = integer(json, "exit_code", -1, 255)) reply.exit_code = static_cast<int>(*code);
  return reply;
}

std::string event_to_json(const Event& event) {
  Json json{{"event", to_string(event.kind)}, {"time", format_rfc3339(event.time)}};
  if (event.signal != 0) json["signal"] = event.signal;
  if (!event.exec_argv.empty()) json["exec_argv"] = event.exec_argv;
  json["state"] = state_as_json(event.state);
  return dump_json(json);
}

Result<Event> event_from_json(std::string_view text) {
  const Json json = TRY(parse_json(text, "event"));
  const auto kind = event_kind_from(get_string(json, "event"));
  if (!kind) return bad("event", "event");
  Event event;
  event.kind = *kind;
  event.time = parse_rfc3339(get_string(json, "time")).value_or(SystemTime{});
  event.signal = static_cast<int>(integer(json, "signal", 0, 64).value_or(0));
  event.exec_argv = get_string(json, "exec_argv");
  const Json* state = find_key(json, "state");
  if (state == nullptr) return bad("event", "state");
  event.state = TRY(state_of_json(*state, "event"));
  return event;
}

std::string resize_to_json(TerminalSize size) {
  return dump_json(Json{{"resize", {size.rows, size.columns}}});
}

Result<TerminalSize> resize_from_json(std::string_view text) {
  const Json json = TRY(parse_json(text, "resize"));
  const Json* size = find_key(json, "resize");
  const auto fits = [](const Json& value) { return value.is_number_unsigned() && value.get<std::uint64_t>() <= 65535; };
  if (size == nullptr || !size->is_array() || size->size() != 2 || !fits((*size)[0]) || !fits((*size)[1]))
    return bad("resize", "resize");
  return TerminalSize{(*size)[0].get<std::uint16_t>(), (*size)[1].get<std::uint16_t>()};
}

Failure failure_of(const Error& error) {
  return Failure{error.code(), error.message(), error.hint_text(), std::nullopt, error.subject(), error.subject_name()};
}

Error error_of(const Failure& failure) {
  return Error(failure.code, failure.message).hint(failure.hint).about(failure.subject, failure.subject_name);
}

std::string control_socket_path(const std::string& project_run) {
  return join_path(project_run, "control.sock");
}
std::string run_state_path(const std::string& project_run, const std::string& container_id) {
  return join_path(project_run, "containers/" + container_id + ".json");
}

}  // namespace consort::supervisor

// Processes in running containers: POST /containers/{id}/exec, and /exec/{id}/start, /json and /resize.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "base/narrow.hpp"
#include "engine/exec_user.hpp"
#include "serve/api/containers/containers.hpp"
#include "serve/api/containers/hijack.hpp"
#include "serve/api/limits.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"
#include "serve/api/value_kinds.hpp"

namespace consort::serve {

namespace {

using engine::ContainerDetails;

engine::ExecSpec spec_of(const Json& body) {
  engine::ExecSpec spec;
  spec.argv = get_strings(body, "Cmd");
  spec.environment = get_strings(body, "Env");
  spec.user = get_string(body, "User");
  spec.working_dir = get_string(body, "WorkingDir");
  spec.tty = get_bool(body, "Tty");
  spec.privileged = get_bool(body, "Privileged");
  return spec;
}

constexpr KnownKey exec_keys[] = {
    {"AttachStderr", ValueKind::truth}, {"AttachStdin", ValueKind::truth},   {"AttachStdout", ValueKind::truth},
    {"Cmd", ValueKind::texts},          {"ConsoleSize", ValueKind::numbers}, {"Detach", ValueKind::truth},
    {"DetachKeys", ValueKind::text},    {"Env", ValueKind::texts},           {"Privileged", ValueKind::truth},
    {"Tty", ValueKind::truth},          {"User", ValueKind::text},           {"WorkingDir", ValueKind::text}};

Result<> create_exec(Call& call) {
  const Json body = TRY(call.body());
  TRY(check_kinds(exec_keys, body));
  const ContainerDetails container = TRY(find_container(call));
  engine::ExecSpec spec = spec_of(body);
  TRY(keep_to_project(call, spec));
  if (spec.argv.empty()) return fail(http_error(400, "No exec command specified"));
  // docker-py writes it in lower case; for Go that is the same key.
  const std::string keys = get_string(body, "DetachKeys", get_string(body, "detachKeys"));
  if (!DetachKeys::parse(keys)) return fail(http_error(400, "Invalid escape keys (" + keys + ") provided"));
  if (container.state.status == engine::Status::paused)
    return fail(http_error(409, "Container " + call.variable("id") + " is paused, unpause the container before exec"));
  if (!container.state.has_process()) return fail(http_error(409, "container " + container.id + " is not running"));
  if (auto known = engine::check_exec_user(container, spec.user); !known && known.error().subject() == Subject::user)
    return fail(http_error(400, known.error().message()));
  auto instance = std::make_shared<ExecInstance>(container.id, container.project, std::move(spec), keys);
  instance->attach_stdin = get_bool(body, "AttachStdin");
  instance->attach_stdout = get_bool(body, "AttachStdout");
  instance->attach_stderr = get_bool(body, "AttachStderr");
  return call.json(201, {{"Id", call.service().execs().add(std::move(instance))}});
}

Result<std::shared_ptr<ExecInstance>> find_exec(Call& call) {
  auto instance = TRY(call.service().execs().find(call.variable("id")));
  const std::string& project = call.service().options().project;
  if (!project.empty() && project != instance->project)
    return fail(http_error(404, "No such exec instance: " + call.variable("id")));
  return instance;
}

// Moves the process's output to the client, until it has ended and all of that has been moved. Processes that it left
// running may hold its pipes open forever (`sh -c 'daemon &'`); Docker's clients wait for the end of the process.
class ExecSession {
 public:
  ExecSession(ExecInstance& instance, engine::Exec& exec, http::Connection::Raw raw, Hijacked::Framing framing)
      : instance_(instance), exec_(exec), streams_(exec.take_streams()), client_(std::move(raw), framing) {}

  Result<> run() {
    connect_input();
    sources_ = {Source{exec_.terminal() >= 0 ? exec_.terminal() : streams_.out.get(), StreamKind::out},
                Source{exec_.terminal() >= 0 ? -1 : streams_.err.get(), StreamKind::err}};
    bool detached = false;
    while (!detached && !lost_ && !TRY(step(detached))) {
    }
    input_.reset();
    // A client that has only detached asks later how it ended.
    if (!detached && !lost_) instance_.end(exec_.wait().value_or(-1));
    client_.finish();
    return {};
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds longest_after_end{2};  // of a daemon that goes on writing

  struct Source {
    int fd = -1;
    StreamKind stream = StreamKind::out;
  };

  void connect_input() {
    const int terminal = exec_.terminal();
    Fd target = std::move(streams_.in);
    if (terminal >= 0)
      if (auto copy = duplicate(terminal)) target = std::move(*copy);
    if (!instance_.attach_stdin || !target) return;  // without a writer the process sees the end of its input
    std::optional<DetachKeys> keys;
    if (terminal >= 0)
      if (auto parsed = DetachKeys::parse(instance_.detach_keys)) keys = std::move(*parsed);
    input_.emplace(client_, InputPump::Ends{.target = std::move(target)}, std::move(keys));
  }

  // True: it has ended.
  Result<bool> step(bool& detached) {
    std::array<pollfd, 5> fds{pollfd{sources_[0].fd, POLLIN, 0}, pollfd{sources_[1].fd, POLLIN, 0},
                              pollfd{ended_at_ ? -1 : exec_.fd(), POLLIN, 0},
                              pollfd{input_ ? input_->left_fd() : -1, POLLIN, 0}, pollfd{client_.fd(), 0, 0}};
    if (::poll(fds.data(), fds.size(), ended_at_ ? 0 : -1) < 0 && errno != EINTR) return fail_errno("poll");
    if (fds[3].revents != 0) detached = true;
    if ((fds[4].revents & (POLLHUP | POLLERR)) != 0) lost_ = true;
    bool moved = false;
    for (std::size_t i = 0; i < sources_.size(); ++i)
      if (fds[i].revents != 0) moved = move_some(sources_[i]) || moved;
    if (fds[2].revents != 0) ended_at_ = Clock::now();
    const bool open = sources_[0].fd >= 0 || sources_[1].fd >= 0;
    if (!ended_at_ || fds[2].revents != 0) return false;
    return !open || !moved || Clock::now() - *ended_at_ > longest_after_end;
  }

  bool move_some(Source& source) {
    if (buffer_.empty()) buffer_.resize(std::size_t{64} << 10);
    // Reading a terminal that nobody has open any more is an error (EIO).
    const auto got = read_some(source.fd, std::as_writable_bytes(std::span(buffer_)));
    if (!got || *got == 0) {
      source.fd = -1;
      return false;
    }
    if (!client_.write(source.stream, std::string_view(buffer_).substr(0, *got))) lost_ = true;
    return true;
  }

  ExecInstance& instance_;
  engine::Exec& exec_;
  engine::ExecStreams streams_;
  Hijacked client_;
  std::array<Source, 2> sources_;
  std::string buffer_;
  std::optional<InputPump> input_;
  std::optional<Clock::time_point> ended_at_;
  bool lost_ = false;
};

std::string failure_text(const ExecInstance& instance, const Error& error) {
  const std::string& directory = instance.spec.working_dir;
  const bool relative = !directory.empty() && !directory.starts_with('/');
  return "OCI runtime exec failed: exec failed: " +
         (relative ? "Cwd must be an absolute path" : "unable to start container process: " + error.message());
}

// When Docker tries to start the program it has already begun the answer: why that failed is in the output.
Result<> tell_failure(http::Connection::Raw raw, Hijacked::Framing framing, const std::string& text) {
  Hijacked client(std::move(raw), framing);
  (void)client.write(StreamKind::out, text + "\r\n");
  client.finish();
  return {};
}

Result<std::shared_ptr<engine::Exec>> start(Call& call, ExecInstance& instance, bool streams) {
  engine::ExecSpec spec = instance.spec;
  spec.streams = streams && !spec.tty;
  int exit_code = 0;
  auto exec = TRY(call.engine())->exec(instance.container_id, spec, &exit_code);
  if (!exec) {
    constexpr int cannot_run = 126;
    instance.failed(exit_code != 0 ? exit_code : cannot_run);
    return fail(std::move(exec).error());
  }
  auto shared = std::make_shared<engine::Exec>(std::move(*exec));
  instance.started(shared);
  return shared;
}

void set_first_size(engine::Exec& exec, const Json& body) {
  const Json* size = find_key(body, "ConsoleSize");
  if (exec.terminal() < 0 || !size || !size->is_array() || size->size() != 2) return;
  const auto side = [&](std::size_t i) {
    const Json& value = (*size)[i];
    return value.is_number_integer() ? saturated<std::uint16_t>(value.get<std::int64_t>()) : std::uint16_t{0};
  };
  if (side(0) != 0 && side(1) != 0) (void)exec.resize({.rows = side(0), .columns = side(1)});
}

Result<> start_exec(Call& call) {
  const Json body = TRY(call.body(Call::Body::optional));
  TRY(check_kinds(exec_keys, body));
  const std::shared_ptr<ExecInstance> instance = TRY(find_exec(call));
  const ContainerDetails container = TRY(find_container(call, instance->container_id));
  if (!container.state.has_process()) return fail(http_error(409, "container " + container.id + " is not running"));
  if (container.state.status == engine::Status::paused)
    return fail(http_error(409, "Container " + container.id + " is paused, unpause the container before exec"));
  TRY(instance->begin());
  if (get_bool(body, "Detach")) {
    const auto exec = start(call, *instance, false);
    if (!exec) return fail(http_error(400, failure_text(*instance, exec.error())));
    return call.empty(200);
  }
  // The start decides whether there are frames: docker-py requests them from a terminal as well.
  const auto framing = get_bool(body, "Tty") ? Hijacked::Framing::raw : Hijacked::Framing::framed;
  const bool told = framing == Hijacked::Framing::framed && call.version() >= 42 && call.wants_upgrade();
  auto raw = TRY(call.upgrade({.type = told ? content::multiplexed_stream : content::raw_stream, .protocol = "tcp"}));
  const auto exec = start(call, *instance, true);
  if (!exec) return tell_failure(std::move(raw), framing, failure_text(*instance, exec.error()));
  set_first_size(**exec, body);
  return ExecSession(*instance, **exec, std::move(raw), framing).run();
}

Result<> inspect_exec(Call& call) {
  const std::shared_ptr<ExecInstance> instance = TRY(find_exec(call));
  const ExecInstance::State state = instance->state();
  const engine::Strings& argv = instance->spec.argv;
  Json process{{"tty", instance->spec.tty},
               {"entrypoint", argv.front()},
               {"arguments", engine::Strings(argv.begin() + 1, argv.end())},
               {"privileged", instance->spec.privileged}};
  if (!instance->spec.user.empty()) process["user"] = instance->spec.user;
  return call.json(200, {{"ID", call.variable("id")},
                         {"Running", state.running},
                         {"ExitCode", state.exit_code ? Json(*state.exit_code) : Json(nullptr)},
                         {"ProcessConfig", std::move(process)},
                         {"OpenStdin", instance->attach_stdin},
                         {"OpenStderr", instance->attach_stderr},
                         {"OpenStdout", instance->attach_stdout},
                         {"CanRemove", !state.running && state.exit_code.has_value()},
                         {"ContainerID", instance->container_id},
                         {"DetachKeys", instance->detach_keys},
                         {"Pid", state.pid}});
}

Result<> resize_exec(Call& call) {
  const std::shared_ptr<ExecInstance> instance = TRY(find_exec(call));
  const engine::TerminalSize size = TRY(terminal_size(call));
  // Clients send the first size as soon as the start is answered, which is before the process is there.
  constexpr std::chrono::seconds patience{10};  // Docker's
  const auto exec = instance->exec(patience);
  if (!exec) return fail(http_error(409, "exec " + call.variable("id") + " is not running"));
  TRY(exec->resize(size));
  return call.empty(200);
}

constexpr Route table[] = {
    {"POST", "/containers/{id}/exec", create_exec, Access::change, Reach::project},
    {"POST", "/exec/{id}/start", start_exec, Access::change, Reach::project},
    {"GET", "/exec/{id}/json", inspect_exec, Access::look, Reach::project},
    {"POST", "/exec/{id}/resize", resize_exec, Access::change, Reach::project},
};

}  // namespace

std::span<const Route> exec_routes() {
  return table;
}

}  // namespace consort::serve

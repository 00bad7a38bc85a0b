// start, stop, restart, kill, pause, unpause, rename, wait, resize, and the removal of containers.
#include <poll.h>

#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "engine/left_behind.hpp"
#include "engine/state_text.hpp"
#include "serve/api/containers/container_watch.hpp"
#include "serve/api/containers/containers.hpp"
#include "serve/api/limits.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"
#include "serve/api/shapes.hpp"

namespace consort::serve {

namespace {

using engine::ContainerDetails;

// t=, signal=. Docker counts in seconds; below 0 is forever.
Result<engine::StopOptions> stop_options(Call& call) {
  engine::StopOptions options;
  if (const auto seconds = TRY(call.number("t")))
    options.timeout = std::chrono::seconds(saturated<std::int32_t>(*seconds));
  options.signal = call.query("signal");
  return options;
}

// "executable file not found", "permission denied": the client's exit code depends on these words, and people search
// for the whole message, so it is exactly Docker's.
Error start_error(Error error, const ContainerDetails& container, int exit_code) {
  if (error.subject() == Subject::port) {
    const std::string network = container.networks.empty() ? "" : container.networks.front().network_id;
    return http_error(500,
                      "failed to set up container networking: driver failed programming external connectivity on "
                      "endpoint " +
                          container.name + " (" + endpoint_id(container.id, network) + "): " + error.message());
  }
  if (exit_code == 0) return error;
  std::string why = error.message();
  if (error.subject() == Subject::user) return http_error(400, why);
  if (error.subject() == Subject::program && error.code() == Code::not_found)
    why = "exec: \"" + container.process.path + "\": " +
          (container.process.path.contains('/') ? "stat " + container.process.path + ": no such file or directory"
                                                : std::string("executable file not found in $PATH"));
  return http_error(400, start_failure(why));
}

Result<> start_container(Call& call) {
  const ContainerDetails container = TRY(find_container(call));
  if (container.state.started()) return call.empty(304);
  int exit_code = 0;
  Result<> started = TRY(call.engine())->start_container(container.id, {.exit_code = &exit_code});
  if (started) return call.empty(204);
  if (container.spec.auto_remove)
    (void)TRY(call.engine())->remove_container(container.id, {.volumes = engine::AnonymousVolumes::remove});
  return fail(start_error(std::move(started).error(), container, exit_code));
}

Result<> stop_container(Call& call) {
  const engine::StopOptions options = TRY(stop_options(call));
  const ContainerDetails container = TRY(find_container(call));
  engine::Engine& engine = *TRY(call.engine());
  const bool running = container.state.running();
  if (running) TRY(engine.stop_container(container.id, options));
  engine::see_off(engine, container.id);  // with Docker, who lists containers now does not find it
  return call.empty(running ? 204 : 304);
}

Result<> restart_container(Call& call) {
  const engine::StopOptions options = TRY(stop_options(call));
  const ContainerDetails container = TRY(find_container(call));
  const Reaper::Kept kept(call.service().reaper(), container.id);
  TRY(TRY(call.engine())->restart_container(container.id, options));
  return call.empty(204);
}

Result<> kill_container(Call& call) {
  const std::string signal = call.query("signal", "KILL");
  const std::string about = "cannot kill container: " + call.variable("id") + ": ";
  auto found = find_container(call);
  if (!found) return fail(http_error(status_of(found.error()), about + found.error().message()));
  const ContainerDetails container = std::move(*found);
  if (!container.state.running()) return fail(http_error(409, about + "container " + container.id + " is not running"));
  engine::Engine& engine = *TRY(call.engine());
  Result<> killed = engine.kill_container(container.id, signal.empty() ? "KILL" : signal);
  if (!killed && killed.error().code() == Code::invalid)
    return fail(http_error(
        400,
        about + (parse_signed(signal) ? "the linux daemon does not support signal " : std::string("invalid signal: ")) +
            signal));
  TRY(std::move(killed));
  engine::see_off(engine, container.id);
  return call.empty(204);
}

Result<> pause_container(Call& call) {
  const ContainerDetails container = TRY(find_container(call));
  TRY(TRY(call.engine())->pause_container(container.id));
  return call.empty(204);
}

Result<> unpause_container(Call& call) {
  const ContainerDetails container = TRY(find_container(call));
  if (container.state.status != engine::Status::paused)
    return fail(http_error(500, "Container " + container.id + " is not paused"));
  TRY(TRY(call.engine())->unpause_container(container.id));
  return call.empty(204);
}

Result<> rename_container(Call& call) {
  const std::string wanted = call.query("name");
  const std::string name = wanted.substr(wanted.starts_with('/') ? 1 : 0);
  const ContainerDetails container = TRY(find_container(call));
  if (wanted.empty()) return fail(http_error(400, "Neither old nor new names may be empty"));
  if (name == container.name)
    return fail(http_error(400, "Renaming a container with the same name as its current name"));
  TRY(keep_name_to_project(call, name, container.name));
  Result<> renamed = TRY(call.engine())->rename_container(container.id, name);
  if (!renamed && renamed.error().code() == Code::invalid)
    return fail(http_error(400, "Error when allocating new name: Invalid container name (" +
                                    (wanted.starts_with('/') ? wanted : "/" + wanted) +
                                    "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"));
  TRY(std::move(renamed));
  return call.empty(204);
}

// "web/db": the link of web with the alias db.
Result<> remove_link(Call& call) {
  std::string name = call.variable("id");
  if (name.starts_with('/')) name.erase(0, 1);
  const std::size_t slash = name.rfind('/');
  if (slash == std::string::npos)
    return fail(http_error(409, "Conflict, cannot remove the default link name of the container"));
  const ContainerDetails container = TRY(find_container(call, name.substr(0, slash)));
  TRY(TRY(call.engine())->remove_link(container.id, name.substr(slash + 1)));
  return call.empty(204);
}

Result<> remove_container(Call& call) {
  if (call.flag("link")) return remove_link(call);
  const ContainerDetails container = TRY(find_container(call));
  engine::RemoveOptions options;
  if (call.flag("force")) options.force = engine::Force::yes;
  if (call.flag("v")) options.volumes = engine::AnonymousVolumes::remove;
  TRY(TRY(call.engine())->remove_container(container.id, options));
  return call.empty(204);
}

Result<> resize_container(Call& call) {
  const engine::TerminalSize size = TRY(terminal_size(call));
  const ContainerDetails container = TRY(find_container(call));
  if (!container.state.has_process()) return fail(http_error(409, "container " + container.id + " is not running"));
  TRY(TRY(call.engine())->resize_terminal(container.id, size));
  return call.empty(200);
}

enum class Until : std::uint8_t { not_running, next_exit, removed };

Result<Until> condition_of(const std::string& text) {
  if (text.empty() || text == "not-running") return Until::not_running;
  if (text == "next-exit") return Until::next_exit;
  if (text == "removed") return Until::removed;
  return fail(http_error(400, "invalid condition: \"" + text + "\""));
}

// nullopt: the client has gone. A container that will be restarted has ended as well: whoever waits is told.
Result<std::optional<int>> wait_for(Call& call, ContainerWatch& watch, const ContainerDetails& before, Until until) {
  int code = engine::shown_exit_code(before.state);
  if (until == Until::not_running && !before.state.running()) return code;
  using What = ContainerWatch::Change::What;
  while (wait_readable(call.client_fd(), {watch.fd()}))
    while (const auto change = TRY(watch.next())) {
      if (change->what == What::ended) code = change->exit_code;
      if (change->what == What::removed || (change->what == What::ended && until != Until::removed)) return code;
    }
  return std::nullopt;
}

// The head is sent before anything has happened: `docker run` starts the container only once it has it.
Result<> wait_container(Call& call) {
  const Until until = TRY(condition_of(call.query("condition")));
  const ContainerDetails found = TRY(find_container(call));
  engine::Engine& engine = *TRY(call.engine());
  ContainerWatch watch = TRY(ContainerWatch::begin(engine, found));
  const ContainerDetails before = TRY(engine.inspect(found.id));  // seen after the watch has begun: no gap
  BodyStream body = TRY(call.stream(content::json));
  const auto code = TRY(wait_for(call, watch, before, until));
  if (!code) return fail(Code::io, "wait for container: the client has gone");
  TRY(body.write(dump_json({{"StatusCode", *code}}) + "\n"));
  return body.finish();
}

constexpr Route table[] = {
    {"POST", "/containers/{id}/start", start_container, Access::change, Reach::project},
    {"POST", "/containers/{id}/stop", stop_container, Access::change, Reach::project},
    {"POST", "/containers/{id}/restart", restart_container, Access::change, Reach::project},
    {"POST", "/containers/{id}/kill", kill_container, Access::change, Reach::project},
    {"POST", "/containers/{id}/pause", pause_container, Access::change, Reach::project},
    {"POST", "/containers/{id}/unpause", unpause_container, Access::change, Reach::project},
    {"POST", "/containers/{id}/rename", rename_container, Access::change, Reach::project},
    {"POST", "/containers/{id}/resize", resize_container, Access::change, Reach::project},
    {"POST", "/containers/{id}/wait", wait_container, Access::look, Reach::project},
    {"DELETE", "/containers/{id...}", remove_container, Access::change, Reach::project},
};

}  // namespace

std::string start_failure(const std::string& why) {
  if (why.empty() || why.starts_with("unable to find ")) return why;
  return "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create "
         "failed: unable to start container process: error during container init: " +
         why;
}

std::span<const Route> container_lifecycle_routes() {
  return table;
}

}  // namespace consort::serve

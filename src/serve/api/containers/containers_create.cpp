// POST /containers/create.
#include "engine/images.hpp"
#include "serve/api/containers/container_spec.hpp"
#include "serve/api/containers/containers.hpp"
#include "serve/api/containers/known_keys.hpp"
#include "serve/api/limits.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"

namespace consort::serve {

namespace {

const Json* object_at(const Json& body, std::string_view key) {
  const Json* found = find_key(body, key);
  return found && found->is_object() ? found : nullptr;
}

// The parts of the client's request that inspect must return.
Json note_of(const Json& body) {
  Json config = Json::object();
  for (const char* key : {"AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"})
    if (get_bool(body, key)) config[key] = true;
  if (const Json* volumes = object_at(body, "Volumes"); volumes && !volumes->empty()) config["Volumes"] = *volumes;
  Json note{{"Config", std::move(config)}};
  if (const Json* host = object_at(body, "HostConfig")) {
    note["HostConfig"] = known_host_config(*host);
    const std::string mode = get_string(*host, "NetworkMode");
    if (mode.empty() || mode == "default") note["HostConfig"].erase("NetworkMode");
    // "container:NAME" is returned with the id that the name had then, as the engine stores it.
    for (const char* key : {"NetworkMode", "IpcMode", "PidMode"})
      if (get_string(*host, key).starts_with("container:")) note["HostConfig"].erase(key);
    if (get_int(*host, "PidsLimit") == 0) note["HostConfig"].erase("PidsLimit");
    if (get_int(*host, "ShmSize") == 0) note["HostConfig"].erase("ShmSize");
    if (get_string(*host, "Runtime").empty()) note["HostConfig"].erase("Runtime");
    for (const char* key : {"CgroupnsMode", "IpcMode"})
      if (get_string(*host, key).empty()) note["HostConfig"].erase(key);
    const Json* log = object_at(*host, "LogConfig");
    if (!log || get_string(*log, "Type").empty()) note["HostConfig"].erase("LogConfig");
    const Json* restart = object_at(*host, "RestartPolicy");
    if (!restart || get_string(*restart, "Name").empty()) note["HostConfig"].erase("RestartPolicy");
  }
  // docker-py sends the runtime outside HostConfig.
  if (const std::string runtime = get_string(body, "Runtime"); !runtime.empty())
    note["HostConfig"].emplace("Runtime", runtime);
  if (const Json* networking = object_at(body, "NetworkingConfig"))
    if (const Json* endpoints = object_at(*networking, "EndpointsConfig")) {
      Json kept = Json::object();
      for (const auto& [name, settings] : endpoints->items())
        if (Json known = known_endpoint_config(settings); !known.empty()) kept[name] = std::move(known);
      note["EndpointsConfig"] = std::move(kept);
    }
  return note;
}

// "x" in the form in which Docker reports it missing: with its tag.
std::string with_tag(const std::string& image) {
  const auto reference = image::Reference::parse(image);
  return reference ? reference->familiar() : image;
}

Result<image::Image> find_image(Call& call, engine::Engine& engine, const engine::ContainerSpec& spec) {
  std::optional<image::Platform> platform;
  if (!spec.platform.empty()) platform = TRY(image::Platform::parse(spec.platform));
  auto found = TRY(engine.images().look_up(spec.image, platform));
  if (!found || !TRY(ShownImages::of(call)).takes(*found, TRY(engine.images().config_of(*found))))
    return fail(http_error(404, "No such image: " + with_tag(spec.image)));
  return std::move(*found);
}

// To clients, 404 means that the image is missing, and makes them pull it: it must not be used for anything else. What
// Docker finds out only when a container starts has its words.
Error create_error(Error error, const engine::ContainerSpec& spec) {
  const bool joins = spec.network_mode.starts_with("container:");
  const std::string about = error.code() == Code::not_found && joins ? "joining network namespace of container: " : "";
  return error.code() == Code::not_found ? http_error(400, about + error.message()) : std::move(error);
}

// Docker looks up networks when a container starts, and these are its words.
Result<> check_networks(engine::Engine& engine, const engine::ContainerSpec& spec) {
  for (const engine::EndpointSpec& endpoint : spec.networks) {
    if (endpoint.network == "bridge") continue;
    const auto network = engine.inspect_network(endpoint.network);
    if (!network && network.error().code() == Code::not_found)
      return fail(http_error(400, "failed to set up container networking: " + network.error().message()));
  }
  return {};
}

// If the name belongs to a --rm container that nobody was there to remove, that container is removed first.
Result<engine::CreatedContainer> create(engine::Engine& engine, const engine::ContainerSpec& spec) {
  auto created = engine.create_container(spec);
  if (created || created.error().subject() != Subject::container_name) return created;
  // If some unrelated container cannot be removed, that is no reason not to try.
  if (const auto removed = engine.remove_left_behind(); removed && *removed == 0) return created;
  return engine.create_container(spec);
}

// With the name as the client has written it.
Error bad_name(const std::string& name) {
  return http_error(400, "Invalid container name (" + name + "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
}

bool is_of_name(const Error& error) {
  return error.subject() == Subject::setting && error.subject_name() == "container_name";
}

// "/web" is web; without a name the engine chooses one.
Result<std::string> name_of(const Call& call) {
  std::string name = call.query("name");
  if (name == "/") return fail(bad_name(name));
  if (name.starts_with('/')) name.erase(0, 1);
  return name;
}

Result<> create_container(Call& call) {
  const Json body = TRY(call.body());
  if (body.empty() || get_string(body, "Image").empty())
    return fail(
        http_error(400, body.empty() ? "config cannot be empty in order to create a container" : "no image specified"));
  TRY(check_container_kinds(body));
  engine::ContainerSpec spec = TRY(container_spec(body));
  spec.name = TRY(name_of(call));
  spec.platform = call.query("platform");
  Service& service = call.service();
  engine::Engine& engine = *TRY(call.engine());
  TRY(keep_to_project(call, body, spec));
  const image::Image image = TRY(find_image(call, engine, spec));
  spec.image_id = image.id;
  const Json* host = object_at(body, "HostConfig");
  if (host && get_bool(*host, "PublishAllPorts")) TRY(publish_exposed(spec, TRY(engine.images().config_of(image))));
  TRY(check_networks(engine, spec));
  auto made = create(engine, spec);
  if (!made && is_of_name(made.error())) return fail(bad_name(call.query("name")));
  if (!made) return fail(create_error(std::move(made).error(), spec));
  engine::CreatedContainer created = std::move(*made);
  const engine::ContainerDetails details = TRY(engine.inspect(created.id));
  TRY(keep_client_note(call, details, note_of(body)));
  if (spec.auto_remove) service.reaper().watch(created.id, std::move(created.hold));
  return call.json(
      201, {{"Id", created.id}, {"Warnings", created.warnings.empty() ? Json::array() : Json(created.warnings)}});
}

constexpr Route table[] = {{"POST", "/containers/create", create_container, Access::change, Reach::project}};

}  // namespace

std::span<const Route> container_create_routes() {
  return table;
}

}  // namespace consort::serve

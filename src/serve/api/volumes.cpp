// Volumes.
#include "base/strings.hpp"
#include "engine/engine.hpp"
#include "engine/in_use.hpp"
#include "engine/prune.hpp"
#include "serve/api/filters.hpp"
#include "serve/api/limits.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"
#include "serve/api/shapes.hpp"
#include "serve/api/value_kinds.hpp"
#include "serve/api/volume_shape.hpp"

namespace consort::serve {

namespace {

using engine::Volume;

engine::StringMap strings_in(const Json& object, const char* key) {
  engine::StringMap map;
  const Json* found = find_key(object, key);
  if (found == nullptr || !found->is_object()) return map;
  for (const auto& [name, value] : found->items())
    if (value.is_string()) map[name] = value.get<std::string>();
  return map;
}

Result<Volume> find_volume(Call& call, const std::string& name) {
  Volume volume = TRY(TRY(call.engine())->inspect_volume(name));
  if (!shows_volume(call, volume)) return fail(http_error(404, "get " + name + ": no such volume"));
  return volume;
}

Result<> list_volumes(Call& call) {
  constexpr std::string_view known[] = {"dangling", "driver", "label", "name"};
  const Filters filters = TRY(Filters::of(call, known));
  const std::optional<bool> dangling = TRY(filters.boolean("dangling"));
  engine::Engine& engine = *TRY(call.engine());
  std::map<std::string, unsigned> users;
  if (dangling) users = TRY(engine::volumes_in_use(engine));
  Json shapes = Json::array();
  for (const Volume& volume : TRY(engine.list_volumes())) {
    const bool fits = shows_volume(call, volume) && filters.pattern("name", volume.spec.name) &&
                      filters.exact("driver", "local") && filters.labels(volume.spec.labels);
    if (fits && (!dangling || *dangling != users.contains(volume.spec.name))) shapes.push_back(volume_shape(volume));
  }
  return call.json(200, {{"Volumes", std::move(shapes)}, {"Warnings", nullptr}});
}

Result<> create_volume(Call& call) {
  using enum ValueKind;
  static constexpr KnownKey keys[] = {
      {"Driver", text}, {"DriverOpts", map_of_texts}, {"Labels", map_of_texts}, {"Name", text}};
  const Json body = TRY(call.body());
  TRY(check_kinds(keys, body));
  engine::VolumeSpec spec{.name = get_string(body, "Name"),
                          .driver = get_string(body, "Driver"),
                          .driver_opts = strings_in(body, "DriverOpts"),
                          .labels = strings_in(body, "Labels")};
  TRY(keep_to_project(call, spec));
  Result<Volume> made = TRY(call.engine())->create_volume(spec);
  if (!made) {
    const std::string advice = made.error().hint_text().empty() ? "" : ". " + made.error().hint_text();
    return fail(http_error(status_of(made.error()), "create " + spec.name + ": " + made.error().message() + advice));
  }
  return call.json(201, volume_shape(*made));
}

Result<> inspect_volume(Call& call) {
  return call.json(200, volume_shape(TRY(find_volume(call, call.variable("name")))));
}

Result<> remove_volume(Call& call) {
  const std::string& name = call.variable("name");
  const bool force = call.flag("force");
  const Result<Volume> there = find_volume(call, name);
  if (!there && force && there.error().code() != Code::io) return call.empty(204);
  if (!there) return fail(http_error(404, there.error().message()));
  TRY(TRY(call.engine())->remove_volume(name, force ? engine::Force::yes : engine::Force::no));
  return call.empty(204);
}

Result<> update_volume(Call&) {
  return fail(http_error(503, "volume update only valid for cluster volumes, but swarm is unavailable"));
}

Result<> prune_volumes(Call& call) {
  constexpr std::string_view known[] = {"all", "label", "label!"};
  const Filters filters = TRY(Filters::of(call, known));
  // Before 1.42, named volumes were removed as well.
  const bool named_too = call.version() < 42 || (filters.has("all") && TRY(filters.boolean("all")).value_or(false));
  engine::Engine& engine = *TRY(call.engine());
  const auto named = named_too ? engine::NamedVolumes::prune : engine::NamedVolumes::keep;
  const auto pruned = TRY(engine::prune_volumes(engine, engine::PruneMode::act, named, [&](const Volume& volume) {
    return shows_volume(call, volume) && filters.labels(volume.spec.labels);
  }));
  Json deleted = Json::array();
  for (const auto& item : pruned.items) deleted.push_back(item.name);
  return call.json(200, {{"VolumesDeleted", std::move(deleted)}, {"SpaceReclaimed", pruned.bytes}});
}

constexpr Route table[] = {
    {"GET", "/volumes", list_volumes, Access::look, Reach::project},
    {"POST", "/volumes/create", create_volume, Access::change, Reach::project},
    {"POST", "/volumes/prune", prune_volumes, Access::change, Reach::project},
    {"GET", "/volumes/{name}", inspect_volume, Access::look, Reach::project},
    {"PUT", "/volumes/{name}", update_volume, Access::change, Reach::project},
    {"DELETE", "/volumes/{name}", remove_volume, Access::change, Reach::project},
};

}  // namespace

std::span<const Route> volume_routes() {
  return table;
}

bool shows_volume(Call& call, const Volume& volume) {
  const std::string& project = call.service().options().project;
  if (project.empty()) return true;
  const auto label = volume.spec.labels.find("com.docker.compose.project");
  return label != volume.spec.labels.end() && label->second == project;
}

Json volume_shape(const Volume& volume) {
  engine::StringMap labels = volume.spec.labels;
  if (volume.anonymous) labels["com.docker.volume.anonymous"] = "";
  std::string created = format_rfc3339_seconds(volume.created_at);
  return {{"CreatedAt", std::move(created)},
          {"Driver", "local"},
          {"Labels", labels.empty() ? Json(nullptr) : map_of(labels)},
          {"Mountpoint", volume.mountpoint},
          {"Name", volume.spec.name},
          {"Options", volume.spec.driver_opts.empty() ? Json(nullptr) : map_of(volume.spec.driver_opts)},
          {"Scope", "local"}};
}

}  // namespace consort::serve

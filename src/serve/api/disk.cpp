// Disk usage, and what could be freed: system/df, and the prune of containers.
#include <set>

#include "base/os/trees/directory.hpp"
#include "base/strings.hpp"
#include "engine/images.hpp"
#include "engine/in_use.hpp"
#include "engine/prune.hpp"
#include "serve/api/containers/container_shape.hpp"
#include "serve/api/containers/containers.hpp"
#include "serve/api/filters.hpp"
#include "serve/api/images/build_cache_record.hpp"
#include "serve/api/images/image_shape.hpp"
#include "serve/api/limits.hpp"
#include "serve/api/moments.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"
#include "serve/api/shapes.hpp"
#include "serve/api/volume_shape.hpp"

namespace consort::serve {

namespace {

using image::PruneOptions;

// Layers are shared: each counts once in total, and as shared for each image that has it in common with another.
struct Layers {
  std::uint64_t bytes = 0;
  std::map<std::string, std::vector<image::LayerInfo>> of_image;
  std::map<std::string, unsigned> users;
};

Result<Layers> layers_of(const engine::Images& images, const std::vector<image::Image>& all) {
  Layers layers;
  for (const image::Image& image : all) {
    auto found = images.layers_of(image);
    if (!found) continue;  // it has gone meanwhile
    for (const image::LayerInfo& layer : *found)
      if (++layers.users[layer.id] == 1) layers.bytes += layer.size;
    layers.of_image[image.id] = std::move(*found);
  }
  return layers;
}

Result<> add_images(Call& call, Json& answer) {
  const engine::Images images = TRY(call.engine())->images();
  const std::vector<image::Image> all = TRY(shown_images(call));
  const Layers layers = TRY(layers_of(images, all));
  std::map<std::string, int> users;
  for (const engine::Container& container : TRY(TRY(call.engine())->list()))
    if (call.service().shows(container)) ++users[container.image_id];
  Json rows = Json::array();
  for (const image::Image& image : all) {
    const auto config = images.config_of(image);
    const auto own = layers.of_image.find(image.id);
    if (!config || own == layers.of_image.end()) continue;
    Json row = listed_image(image, *config, users[image.id], call.version());
    std::uint64_t shared = 0;
    for (const image::LayerInfo& layer : own->second)
      if (layers.users.at(layer.id) > 1) shared += layer.size;
    row["SharedSize"] = shared;
    row["Containers"] = users[image.id];
    rows.push_back(std::move(row));
  }
  answer["LayersSize"] = layers.bytes;
  answer["Images"] = std::move(rows);
  return {};
}

Result<> add_containers(Call& call, Json& answer) {
  engine::Engine& engine = *TRY(call.engine());
  Json rows = Json::array();
  for (const engine::Container& container : TRY(engine.list())) {
    if (!call.service().shows(container)) continue;
    Json row = listed_container(container, system_now());
    const ContainerSize size = size_of(engine, container);
    row["SizeRw"] = size.own;
    row["SizeRootFs"] = size.whole;
    rows.push_back(std::move(row));
  }
  answer["Containers"] = std::move(rows);
  return {};
}

Result<> add_volumes(Call& call, Json& answer) {
  engine::Engine& engine = *TRY(call.engine());
  const auto users = TRY(engine::volumes_in_use(engine));
  Json rows = Json::array();
  for (const engine::Volume& volume : TRY(engine.list_volumes())) {
    if (!shows_volume(call, volume)) continue;
    Json row = volume_shape(volume);
    const auto known = users.find(volume.spec.name);
    row["UsageData"] = {{"RefCount", known == users.end() ? 0 : known->second},
                        {"Size", tree_bytes(volume.mountpoint)}};
    rows.push_back(std::move(row));
  }
  answer["Volumes"] = std::move(rows);
  return {};
}

// What only the build cache needs. It is one entry: steps have no names here.
Result<std::uint64_t> bytes_of_build_cache(engine::Images images) {
  const PruneOptions plan{.images = PruneOptions::Images::none, .mode = PruneOptions::Mode::plan};
  const auto with = TRY(images.prune({.what = plan, .build_cache = engine::ImagePrune::BuildCache::forget})).reclaimed;
  const auto without = TRY(images.prune({.what = plan})).reclaimed;
  return with - std::min(with, without);
}

Result<> add_build_cache(Call& call, Json& answer) {
  answer["BuildCache"] = Json::array();
  if (!call.service().options().project.empty()) return {};  // it is the machine's
  const std::uint64_t bytes = TRY(bytes_of_build_cache(TRY(call.engine())->images()));
  if (bytes == 0) return {};
  const std::string now = go_time(system_now());
  answer["BuildCache"].push_back({{"ID", build_cache_record.id},
                                  {"Type", build_cache_record.type},
                                  {"Description", build_cache_record.description},
                                  {"InUse", false},
                                  {"Shared", false},
                                  {"Size", bytes},
                                  {"CreatedAt", now},
                                  {"LastUsedAt", now},
                                  {"UsageCount", 1}});
  return {};
}

Result<> disk_usage(Call& call) {
  struct Part {
    std::string_view type;
    Result<> (*add)(Call&, Json&);
  };
  constexpr Part parts[] = {
      {"container", add_containers}, {"image", add_images}, {"volume", add_volumes}, {"build-cache", add_build_cache}};
  const std::vector<std::string> wanted = call.request().query.all("type");
  for (const std::string& type : wanted)
    if (std::ranges::find(parts, type, &Part::type) == std::end(parts))
      return fail(http_error(400, "unknown object type: " + type));
  Json answer{
      {"LayersSize", 0}, {"Images", nullptr}, {"Containers", nullptr}, {"Volumes", nullptr}, {"BuildCache", nullptr}};
  for (const Part& part : parts)
    if (wanted.empty() || std::ranges::count(wanted, part.type) > 0) TRY(part.add(call, answer));
  return call.json(200, answer);
}

Result<> prune_containers(Call& call) {
  constexpr std::string_view known[] = {"label", "label!", "until"};
  const Filters filters = TRY(Filters::of(call, known));
  const std::optional<SystemTime> older = TRY(until_of(filters));
  engine::Engine& engine = *TRY(call.engine());
  const auto pruned =
      TRY(engine::prune_containers(engine, engine::PruneMode::act, [&](const engine::Container& container) {
        return call.service().shows(container) && filters.labels(container.labels) &&
               !(older && container.created_at >= *older);
      }));
  Json deleted = nullptr;
  for (const auto& item : pruned.items) deleted.push_back(item.id);
  return call.json(200, {{"ContainersDeleted", std::move(deleted)}, {"SpaceReclaimed", pruned.bytes}});
}

constexpr Route table[] = {
    {"GET", "/system/df", disk_usage, Access::look, Reach::project},
    {"POST", "/containers/prune", prune_containers, Access::change, Reach::project},
};

}  // namespace

std::span<const Route> disk_routes() {
  return table;
}

}  // namespace consort::serve

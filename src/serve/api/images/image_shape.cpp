#include "serve/api/images/image_shape.hpp"

#include <algorithm>

#include "serve/api/shapes.hpp"

namespace consort::serve {

namespace {

constexpr unsigned without_virtual_size = 44, without_containers = 45;

Json familiar_names(const std::vector<std::string>& full) {
  Json names = Json::array();
  for (const std::string& name : full) names.push_back(image::familiar_name(name));
  return names;
}

bool begins_with(const image::ImageConfig& config, const image::ImageConfig& other) {
  const auto same = [](const image::HistoryEntry& a, const image::HistoryEntry& b) {
    return a.created == b.created && a.created_by == b.created_by;
  };
  return other.history.size() < config.history.size() && other.diff_ids.size() <= config.diff_ids.size() &&
         std::equal(other.history.begin(), other.history.end(), config.history.begin(), same) &&
         std::equal(other.diff_ids.begin(), other.diff_ids.end(), config.diff_ids.begin());
}

// The image of this machine that a container was made of whose commit it is. What was pulled or built has none.
Result<std::string> parent_of(const engine::Images& images, const image::Image& image,
                              const image::ImageConfig& config) {
  std::string parent;
  if (!image.digests.empty() || config.history.size() < 2) return parent;
  if (config.history.back().comment.starts_with("buildkit.")) return parent;
  std::size_t longest = 0;
  for (const image::Image& other : TRY(images.list())) {
    const auto theirs = images.config_of(other);
    if (!theirs || theirs->history.size() <= longest || !begins_with(config, *theirs)) continue;
    longest = theirs->history.size();
    parent = other.id;
  }
  return parent;
}

// The fields of Config that are there whether they say anything or not.
Json with_empty_fields(Json config) {
  for (const char* key : {"Hostname", "Domainname", "User", "Image", "WorkingDir"}) config.emplace(key, "");
  for (const char* key : {"AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce"})
    config.emplace(key, false);
  for (const char* key : {"Env", "Cmd", "Volumes", "Entrypoint", "OnBuild", "Labels"}) config.emplace(key, nullptr);
  return config;
}

// Clients look at fields that Docker showed until 1.50.
Json shown_config(const Json* said, unsigned version) {
  Json config = said && said->is_object() ? *said : Json::object();
  constexpr unsigned without_fields_of_containers = 50;
  return version < without_fields_of_containers ? with_empty_fields(std::move(config)) : config;
}

// What versions below 1.45 show besides: of a commit, and of what Docker made before, the container that it was made
// of.
void add_container(Json& shape, const Json& raw) {
  if (const std::string id = get_string(raw, "container"); !id.empty()) shape["Container"] = id;
  const Json* config = find_key(raw, "container_config");
  shape["ContainerConfig"] = with_empty_fields(config && config->is_object() ? *config : Json::object());
}

}  // namespace

Json listed_image(const image::Image& image, const image::ImageConfig& config, int containers, unsigned version) {
  Json row{{"Id", image.id},
           {"ParentId", ""},
           {"RepoTags", familiar_names(image.names)},
           {"RepoDigests", familiar_names(image.digests)},
           {"Created", unix_seconds(image.created)},
           {"Size", image.size},
           {"SharedSize", -1},
           {"Labels", config.labels.empty() ? Json(nullptr) : map_of(config.labels)},
           {"Containers", containers}};
  if (version < without_virtual_size) row["VirtualSize"] = image.size;
  return row;
}

Result<Json> inspected_image(const engine::Images& images, const image::Image& image, unsigned version) {
  const Json raw = TRY(parse_json(TRY(images.raw_config_of(image)), "configuration of " + image.id));
  const image::ImageConfig config = TRY(images.config_of(image));
  Json layers = Json::array();
  for (const image::Digest& diff_id : config.diff_ids) layers.push_back(diff_id.text());
  const Json* inner = find_key(raw, "config");
  const std::string parent = TRY(parent_of(images, image, config));
  Json shape{{"Id", image.id},
             {"RepoTags", familiar_names(image.names)},
             {"RepoDigests", familiar_names(image.digests)},
             {"Parent", parent},
             {"Comment", config.history.empty() ? "" : config.history.back().comment},
             {"Created", config.created},
             {"DockerVersion", ""},
             {"Author", config.author},
             {"Config", shown_config(inner, version)},
             {"Architecture", image.platform.architecture}};
  if (!image.platform.variant.empty()) shape["Variant"] = image.platform.variant;
  shape["Os"] = image.platform.os;
  shape["Size"] = image.size;
  if (version < without_virtual_size) shape["VirtualSize"] = image.size;
  Json directories = Json::array();
  for (const image::LayerInfo& layer : TRY(images.layers_of(image)))
    directories.insert(directories.begin(), layer.directory);
  shape["GraphDriver"] = {{"Data", {{"UpperDir", directories.empty() ? Json("") : directories.front()}}},
                          {"Name", "overlay2"}};
  shape["RootFS"] = {{"Type", "layers"}, {"Layers", std::move(layers)}};
  shape["Metadata"] = {{"LastTagTime", go_time(image.last_tagged)}};
  if (version < without_containers) add_container(shape, raw);
  return shape;
}

// Only the image itself has an id; what lay below it may never have been an image on this machine.
Result<Json> history_of(const engine::Images& images, const image::Image& image) {
  const image::ImageConfig config = TRY(images.config_of(image));
  const std::vector<image::LayerInfo> layers = TRY(images.layers_of(image));
  std::vector<Json> rows;
  std::size_t layer = 0;
  for (const image::HistoryEntry& entry : config.history) {
    const bool makes_layer = !entry.empty_layer && layer < layers.size();
    const auto created = parse_rfc3339(entry.created);
    rows.push_back({{"Id", "<missing>"},
                    {"Created", created ? unix_seconds(*created) : 0},
                    {"CreatedBy", entry.created_by},
                    {"Tags", nullptr},
                    {"Size", makes_layer ? layers[layer].size : 0},
                    {"Comment", entry.comment}});
    if (makes_layer) ++layer;
  }
  std::ranges::reverse(rows);
  if (!rows.empty()) {
    rows.front()["Id"] = image.id;
    if (!image.names.empty()) rows.front()["Tags"] = familiar_names(image.names);
  }
  return Json(rows);
}

}  // namespace consort::serve

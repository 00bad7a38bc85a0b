#include <algorithm>
#include <limits>
#include <set>

#include "base/os/files/file.hpp"
#include "base/os/trees/overlay_view.hpp"
#include "base/sqlite/snapshot.hpp"
#include "base/strings.hpp"
#include "image/store/store_state.hpp"

namespace consort::image {

namespace {

constexpr std::size_t max_config_bytes = 8 << 20;
constexpr std::size_t min_id_prefix = 4;

Error no_such_image(std::string_view text) {
  std::string shown(text);
  if (auto reference = Reference::parse(text)) shown = reference->familiar();
  return Error(Code::not_found, "No such image: " + shown);
}

SystemTime time_of(std::int64_t nanoseconds) {
  return SystemTime(Nanoseconds(nanoseconds));
}

Error other_platform(std::string_view text, const Image& found, const Platform& wanted) {
  const auto reference = Reference::parse(text);
  return Error(Code::not_found, "image with reference " + (reference ? reference->familiar() : std::string(text)) +
                                    " was found but its platform (" + found.platform.text() +
                                    ") does not match the specified platform (" + wanted.text() + ")");
}

using Ids = std::vector<std::string>;

Platform platform_of(SQLite::Database& db, const std::string& id) {
  SQLite::Statement select(db, "SELECT os, architecture, variant FROM image_images WHERE id = ?");
  select.bind(1, id);
  if (!select.executeStep()) return {};
  return {select.getColumn(0).getString(), select.getColumn(1).getString(), select.getColumn(2).getString()};
}

// The image with the best platform; nullopt if none fits.
std::optional<std::string> best_for(SQLite::Database& db, const Ids& ids, const Platform& platform) {
  std::optional<std::string> best;
  int best_score = 0;
  for (const std::string& id : ids) {
    const int score = match(platform, platform_of(db, id));
    if (score > best_score) best = id;
    best_score = std::max(score, best_score);
  }
  return best;
}

void put_first(Ids& ids, const std::optional<std::string>& id) {
  if (id) std::ranges::stable_partition(ids, [&](const std::string& each) { return each == *id; });
}

// All images that a reference stands for, its own image first.
Ids ids_by_reference(SQLite::Database& db, const Reference& reference) {
  // A digest is more specific than a tag; if both are given, the tag is only informative.
  SQLite::Statement select(db, reference.digest
                                   ? "SELECT image_id FROM image_digests WHERE repository = ?1 AND digest = ?2"
                                   : "SELECT image_id FROM image_names WHERE repository = ?1 AND tag = ?2 UNION ALL "
                                     "SELECT image_id FROM image_name_platforms WHERE repository = ?1 AND tag = ?2");
  select.bind(1, reference.name());
  select.bind(2, reference.digest ? reference.digest->text() : reference.tag);
  Ids ids;
  while (select.executeStep()) ids.push_back(select.getColumn(0).getString());
  if (reference.digest && ids.size() > 1) put_first(ids, best_for(db, ids, Platform::host()));
  return ids;
}

Result<std::optional<std::string>> id_by_prefix(SQLite::Database& db, std::string_view text) {
  std::string_view hex = text.starts_with("sha256:") ? text.substr(7) : text;
  if (hex.size() < min_id_prefix || hex.size() > 64 || !is_hex(hex)) return std::nullopt;
  const std::string from = "sha256:" + to_lower(hex);
  SQLite::Statement select(db, "SELECT id FROM image_images WHERE id >= ? AND id < ? LIMIT 2");
  select.bind(1, from);
  select.bind(2, from + "g");
  if (!select.executeStep()) return std::nullopt;
  std::string id = select.getColumn(0).getString();
  if (select.executeStep())
    return fail(
        Error(Code::invalid, "find image").on(std::string(text)).why("the ids of several images start with it"));
  return id;
}

Result<Ids> find_ids(SQLite::Database& db, std::string_view text) {
  const bool maybe_name = !text.starts_with("sha256:");
  const auto reference = maybe_name ? Reference::parse(text) : Result<Reference>(fail(Code::invalid, "an id"));
  if (reference)
    if (Ids ids = ids_by_reference(db, *reference); !ids.empty()) return ids;
  auto by_prefix = TRY(id_by_prefix(db, text));
  if (by_prefix) return Ids{std::move(*by_prefix)};
  // If the text cannot be a name, report its error, not a missing image.
  if (maybe_name && !reference && !is_hex(text)) return fail(std::move(Reference::parse(text)).error());
  return Ids{};
}

Result<Image> choose(SQLite::Database& db, const Ids& ids, const std::optional<Platform>& platform,
                     std::string_view text) {
  if (ids.empty()) return fail(no_such_image(text));
  if (!platform) return read_image(db, ids.front());
  const auto best = best_for(db, ids, *platform);
  if (!best) return fail(other_platform(text, read_image(db, ids.front()), *platform));
  return read_image(db, *best);
}

Result<> check_layers(const ImageConfig& config, const std::vector<LayerInfo>& layers) {
  const bool fits = std::ranges::equal(config.diff_ids, layers, [](const Digest& wanted, const LayerInfo& layer) {
    return layer.diff_id && *layer.diff_id == wanted;
  });
  if (!fits)
    return fail(Error(Code::invalid, "create image").why("the layers are not those that the configuration names"));
  return {};
}

void put_image(SQLite::Database& db, const std::string& id, const ImageConfig& config,
               const std::vector<LayerInfo>& layers, const std::optional<Digest>& manifest) {
  std::uint64_t size = 0;
  for (const LayerInfo& layer : layers) size += layer.size;
  const auto created = parse_rfc3339(config.created).value_or(SystemTime{});
  SQLite::Statement insert(db,
                           "INSERT INTO image_images VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET "
                           "manifest = coalesce(excluded.manifest, manifest)");
  insert.bind(1, id);
  insert.bind(2, static_cast<std::int64_t>(size));
  insert.bind(3, static_cast<std::int64_t>(created.time_since_epoch().count()));
  insert.bind(4, static_cast<std::int64_t>(system_now().time_since_epoch().count()));
  insert.bind(5, config.platform.os);
  insert.bind(6, config.platform.architecture);
  insert.bind(7, config.platform.variant);
  if (manifest) insert.bind(8, manifest->hex());
  insert.exec();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    SQLite::Statement link(db, "INSERT OR IGNORE INTO image_image_layers VALUES(?, ?, ?)");
    link.bind(1, id);
    link.bind(2, static_cast<std::int64_t>(i));
    link.bind(3, layers[i].id);
    link.exec();
  }
}

}  // namespace

std::string Image::display_name() const {
  if (!is_named()) return short_id();
  return names.empty() ? familiar_name(other_names.front()) + " (" + platform.text() + ")"
                       : familiar_name(names.front());
}

Image read_image(SQLite::Database& database, const std::string& id) {
  Image image;
  SQLite::Statement select(
      database, "SELECT size, created, last_tagged, os, architecture, variant FROM image_images WHERE id = ?");
  select.bind(1, id);
  select.executeStep();
  image.id = id;
  image.size = static_cast<std::uint64_t>(select.getColumn(0).getInt64());
  image.created = time_of(select.getColumn(1).getInt64());
  image.last_tagged = time_of(select.getColumn(2).getInt64());
  image.platform = {select.getColumn(3).getString(), select.getColumn(4).getString(), select.getColumn(5).getString()};
  SQLite::Statement names(
      database, "SELECT repository || ':' || tag FROM image_names WHERE image_id = ? ORDER BY repository, tag");
  names.bind(1, id);
  while (names.executeStep()) image.names.push_back(names.getColumn(0).getString());
  SQLite::Statement others(
      database,
      "SELECT repository || ':' || tag FROM image_name_platforms WHERE image_id = ? ORDER BY repository, tag");
  others.bind(1, id);
  while (others.executeStep()) image.other_names.push_back(others.getColumn(0).getString());
  SQLite::Statement digests(
      database, "SELECT repository || '@' || digest FROM image_digests WHERE image_id = ? ORDER BY repository, digest");
  digests.bind(1, id);
  while (digests.executeStep()) image.digests.push_back(digests.getColumn(0).getString());
  return image;
}

namespace {

void put_tag(SQLite::Database& db, const Reference& name, const Ids& ids) {
  SQLite::Statement own(db,
                        "INSERT INTO image_names VALUES(?, ?, ?) ON CONFLICT(repository, tag) DO UPDATE SET "
                        "image_id = excluded.image_id");
  own.bind(1, name.name());
  own.bind(2, name.tag);
  own.bind(3, ids.front());
  own.exec();
  SQLite::Statement clear(db, "DELETE FROM image_name_platforms WHERE repository = ? AND tag = ?");
  clear.bind(1, name.name());
  clear.bind(2, name.tag);
  clear.exec();
  for (std::size_t i = 1; i < ids.size(); ++i) {
    SQLite::Statement other(db, "INSERT INTO image_name_platforms VALUES(?, ?, ?)");
    other.bind(1, name.name());
    other.bind(2, name.tag);
    other.bind(3, ids[i]);
    other.exec();
  }
}

// This image and the others that keep the name next to it.
Ids with_others(SQLite::Database& db, const Reference& name, const std::string& image_id) {
  Reference tag = name;
  tag.digest.reset();
  const std::string platform = platform_of(db, image_id).text();
  Ids ids = ids_by_reference(db, tag);
  std::erase_if(ids, [&](const std::string& id) { return platform_of(db, id).text() == platform; });
  ids.push_back(image_id);
  put_first(ids, best_for(db, ids, Platform::host()));
  return ids;
}

}  // namespace

void put_name(SQLite::Database& database, const std::string& image_id, const Reference& name, Naming naming) {
  if (!name.tag.empty())
    put_tag(database, name, naming == Naming::alone ? Ids{image_id} : with_others(database, name, image_id));
  if (name.digest) {
    SQLite::Statement insert(database, "INSERT OR IGNORE INTO image_digests VALUES(?, ?, ?)");
    insert.bind(1, name.name());
    insert.bind(2, name.digest->text());
    insert.bind(3, image_id);
    insert.exec();
  }
  SQLite::Statement touch(database, "UPDATE image_images SET last_tagged = ? WHERE id = ?");
  touch.bind(1, static_cast<std::int64_t>(system_now().time_since_epoch().count()));
  touch.bind(2, image_id);
  touch.exec();
}

Result<std::optional<Image>> Store::look_up(std::string_view text, const std::optional<Platform>& platform) const {
  auto image = find(text, platform);
  if (!image && image.error().code() == Code::not_found) return std::nullopt;
  return TRY(std::move(image));
}

Result<Image> Store::find(std::string_view text, const std::optional<Platform>& platform) const {
  return state_->database.query("find image", [&](SQLite::Database& db) -> Result<Image> {
    const Snapshot snapshot(db);
    return choose(db, TRY(find_ids(db, text)), platform, text);
  });
}

Result<Image> Store::find(const Reference& reference, const std::optional<Platform>& platform) const {
  return state_->database.query("find image", [&](SQLite::Database& db) -> Result<Image> {
    const Snapshot snapshot(db);
    return choose(db, ids_by_reference(db, reference), platform, reference.familiar());
  });
}

Result<std::vector<Image>> Store::platforms_of(std::string_view text) const {
  return state_->database.query("find image", [&](SQLite::Database& db) -> Result<std::vector<Image>> {
    const Snapshot snapshot(db);
    const Ids ids = TRY(find_ids(db, text));
    if (ids.empty()) return fail(no_such_image(text));
    std::vector<Image> images;
    for (const std::string& id : ids) images.push_back(read_image(db, id));
    return images;
  });
}

Result<std::vector<Image>> Store::list() const {
  return state_->database.query("list images", [](SQLite::Database& db) {
    const Snapshot snapshot(db);
    std::vector<std::string> ids;
    SQLite::Statement select(db, "SELECT id FROM image_images ORDER BY created DESC, id");
    while (select.executeStep()) ids.push_back(select.getColumn(0).getString());
    std::vector<Image> images;
    for (const std::string& id : ids) images.push_back(read_image(db, id));
    return images;
  });
}

Result<std::string> Store::raw_config_of(const Image& image) const {
  return read_blob(TRY(Digest::parse(image.id)), max_config_bytes);
}

Result<ImageConfig> Store::config_of(const Image& image) const {
  return parse_config(TRY(raw_config_of(image)));
}

Result<std::vector<LayerInfo>> Store::layers_of(const Image& image) const {
  return state_->database.query("list layers", [&](SQLite::Database& db) {
    SQLite::Statement select(db, std::string("SELECT ") + layer_columns +
                                     " FROM image_image_layers i JOIN image_layers l ON l.id = i.layer_id "
                                     "WHERE i.image_id = ? ORDER BY i.position");
    select.bind(1, image.id);
    std::vector<LayerInfo> layers;
    while (select.executeStep()) layers.push_back(read_layer(*state_, select));
    return layers;
  });
}

Result<std::vector<std::string>> Store::layer_paths(const Image& image) const {
  std::vector<std::string> paths;
  for (const LayerInfo& layer : TRY(layers_of(image))) paths.push_back(layer.directory);
  std::ranges::reverse(paths);
  keep_topmost(paths);
  if (paths.empty()) {
    paths.push_back(state_->layer_directory("empty"));
    TRY(make_directories(paths.back()));
  }
  return paths;
}

Result<> Store::tag(const Image& image, const Reference& name) {
  return tag(std::vector{image}, name);
}

Result<> Store::tag(const std::vector<Image>& images, const Reference& name) {
  return state_->database.transaction("tag image", [&](SQLite::Database& db) {
    for (const Image& image : images)
      put_name(db, image.id, name, &image == &images.front() ? Naming::alone : Naming::beside);
  });
}

Result<> Store::add_digest(const Image& image, const Reference& name) {
  Reference only_digest = name;
  only_digest.tag.clear();
  return tag(image, only_digest);
}

Result<Image> Store::create_image(ImageConfig config, const std::vector<std::string>& layer_ids,
                                  const std::vector<Reference>& names, Naming naming) {
  config.diff_ids.clear();
  for (const std::string& id : layer_ids) config.diff_ids.push_back(TRY_WRAP(diff_id(id), "create image"));
  return add_image(format_config(config), layer_ids, std::nullopt, names, naming);
}

Result<Image> Store::add_image(const std::string& raw_config, const std::vector<std::string>& layer_ids,
                               const std::optional<Digest>& manifest, const std::vector<Reference>& names,
                               Naming naming) {
  const Session keep = TRY(session());
  if (raw_config.size() > max_config_bytes) return fail(Code::invalid, "create image", "configuration is too large");
  const ImageConfig config = TRY(parse_config(raw_config));
  std::vector<LayerInfo> layers;
  for (const std::string& id : layer_ids) layers.push_back(TRY_WRAP(layer(id), "create image"));
  TRY(check_layers(config, layers));
  const std::string id = TRY(write_blob(raw_config)).text();
  return state_->database.transaction("create image", [&](SQLite::Database& db) -> Result<Image> {
    put_image(db, id, config, layers, manifest);
    for (const Reference& name : names) put_name(db, id, name, naming);
    return read_image(db, id);
  });
}

Result<std::optional<Digest>> Store::manifest_of(const Image& image) const {
  return state_->database.query("find manifest", [&](SQLite::Database& db) -> Result<std::optional<Digest>> {
    SQLite::Statement select(db, "SELECT manifest FROM image_images WHERE id = ?");
    select.bind(1, image.id);
    if (!select.executeStep() || select.isColumnNull(0)) return std::nullopt;
    return Digest::from_hex(select.getColumn(0).getString());
  });
}

}  // namespace consort::image

// The images of this machine: list, inspect, history, tag, removal, prune.
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/strings.hpp"
#include "engine/images.hpp"
#include "serve/api/filters.hpp"
#include "serve/api/images/image_shape.hpp"
#include "serve/api/limits.hpp"
#include "serve/api/moments.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"
#include "serve/api/shapes.hpp"

namespace consort::serve {

namespace {

using image::Image;
using image::ImageConfig;

constexpr std::array<std::string_view, 7> known_filters{"before",    "dangling", "label", "label!",
                                                        "reference", "since",    "until"};
constexpr std::array<std::string_view, 4> known_prune_filters{"dangling", "label", "label!", "until"};

// "postgres", "postgres:1*", "localhost:5000/*", as in Go's path.Match.
bool is_meant(const std::string& name, const std::string& pattern) {
  const auto matches = [&](const std::string& text) {
    return ::fnmatch(pattern.c_str(), text.c_str(), FNM_PATHNAME) == 0;
  };
  const auto reference = image::Reference::parse(name);
  return reference && (matches(reference->familiar()) || matches(reference->familiar_name()) ||
                       matches(reference->full()) || matches(reference->name()));
}

bool is_referred_to(const Image& image, const std::string& pattern) {
  return std::ranges::any_of(image.names, [&](const std::string& name) { return is_meant(name, pattern); });
}

// With `reference`, an image has only the names that are meant.
void leave_meant_names(Image& image, const Filters& filters) {
  const auto is_other = [&](const std::string& name) {
    return !filters.any("reference", [&](const std::string& pattern) { return is_meant(name, pattern); });
  };
  std::erase_if(image.names, is_other);
  std::erase_if(image.digests, is_other);
}

class Selection {
 public:
  static Result<Selection> of(Call& call, const Filters& filters) {
    Selection selection(filters);
    selection.dangling_ = TRY(filters.boolean("dangling"));
    for (const auto& [key, time] : {std::pair("before", &selection.before_), std::pair("since", &selection.since_)})
      if (filters.has(key)) *time = TRY(find_shown_image(call, filters.values(key).front())).created;
    for (const std::string& text : filters.values("until")) selection.until_ = TRY(parse_moment("until", text));
    return selection;
  }

  bool takes(const Image& image, const ImageConfig& config) const {
    if (dangling_ && *dangling_ == image.is_named()) return false;
    if ((before_ && image.created >= *before_) || (since_ && image.created <= *since_)) return false;
    if (until_ && image.created > *until_) return false;
    return filters_.labels(config.labels) && !filters_.is_empty_list("reference") &&
           filters_.any("reference", [&](const std::string& pattern) { return is_referred_to(image, pattern); });
  }

 private:
  explicit Selection(const Filters& filters) : filters_(filters) {}
  const Filters& filters_;
  std::optional<bool> dangling_;
  std::optional<SystemTime> before_, since_, until_;
};

Result<> list_images(Call& call) {
  const Filters filters = TRY(Filters::of(call, known_filters));
  engine::Engine& engine = *TRY(call.engine());
  const engine::Images images = engine.images();
  const Selection selection = TRY(Selection::of(call, filters));
  const ShownImages shown = TRY(ShownImages::of(call));
  std::map<std::string, int> users;
  for (const engine::Container& container : TRY(engine.list()))
    if (call.service().shows(container)) ++users[container.image_id];
  Json rows = Json::array();
  for (Image& image : TRY(images.list())) {
    const auto config = images.config_of(image);
    if (!config || !shown.takes(image, *config) || !selection.takes(image, *config)) continue;  // or it has gone
    leave_meant_names(image, filters);
    rows.push_back(listed_image(image, *config, users[image.id], call.version()));
  }
  return call.json(200, rows);
}

Result<> inspect_image(Call& call) {
  const engine::Images images = TRY(call.engine())->images();
  std::optional<image::Platform> platform;
  if (const std::string text = call.query("platform"); !text.empty() && !text.starts_with('{'))
    platform = TRY(image::Platform::parse(text));
  const Image image = TRY(find_shown_image(call, call.variable("name"), platform));
  return call.json(200, TRY(inspected_image(images, image, call.version())));
}

Result<> image_history(Call& call) {
  const engine::Images images = TRY(call.engine())->images();
  const Image image = TRY(find_shown_image(call, call.variable("name")));
  return call.json(200, TRY(history_of(images, image)));
}

Result<> tag_image(Call& call) {
  engine::Images images = TRY(call.engine())->images();
  const std::string repository = call.query("repo"), tag = call.query("tag");
  const auto reference = image::Reference::parse(tag.empty() ? repository : repository + ":" + tag);
  if (!reference) return fail(http_error(400, "invalid reference format"));
  if (repository == "sha256")
    return fail(http_error(400, "refusing to create an ambiguous tag using digest algorithm as name"));
  TRY(images.find(call.variable("name")));
  TRY(images.tag(call.variable("name"), *reference));
  return call.empty(201);
}

Json removal_rows(const image::RemoveReport& report) {
  Json rows = Json::array();
  for (const std::string& name : report.untagged) rows.push_back({{"Untagged", name}});
  for (const std::string& id : report.deleted) rows.push_back({{"Deleted", id}});
  return rows;
}

// Why an image is not removed, in the words that people know and search for.
Error removal_refused(engine::Engine& engine, const std::string& name, Error error) {
  const auto image = engine.images().find(name);
  const auto containers = engine.list();
  if (!image || !containers) return error;
  const std::string id = image->short_id();
  const bool by_id = image->id == name || image->id.starts_with("sha256:" + name);
  const auto user = std::ranges::find(*containers, image->id, &engine::Container::image_id);
  if (user == containers->end())
    return by_id ? http_error(409, "conflict: unable to delete " + id +
                                       " (must be forced) - image is referenced in multiple repositories")
                 : std::move(error);
  const std::string container = user->id.substr(0, id.size());
  if (!by_id)
    return http_error(409, "conflict: unable to remove repository reference \"" + name +
                               "\" (must force) - container " + container + " is using its referenced image " + id);
  return http_error(409, "conflict: unable to delete " + id + " (cannot be forced) - image is being used by " +
                             (user->state.running() ? "running" : "stopped") + " container " + container);
}

Result<> remove_image(Call& call) {
  engine::Engine& engine = *TRY(call.engine());
  const std::string& name = call.variable("name");
  auto removed = engine.images().remove(name, call.flag("force") ? engine::Force::yes : engine::Force::no);
  if (!removed && removed.error().code() == Code::conflict)
    return fail(removal_refused(engine, name, std::move(removed).error()));
  return call.json(200, removal_rows(TRY(std::move(removed))));
}

// Images that no container needs, one by one: what the build cache needs stays.
Result<> prune_images(Call& call) {
  const Filters filters = TRY(Filters::of(call, known_prune_filters));
  const bool only_dangling = TRY(filters.boolean("dangling")).value_or(true);
  const std::optional<SystemTime> until = TRY(until_of(filters));
  engine::Engine& engine = *TRY(call.engine());
  engine::Images images = engine.images();
  Json removed = Json::array();
  std::uint64_t reclaimed = 0;
  std::set<std::string> used;
  for (const engine::Container& container : TRY(engine.list())) used.insert(container.image_id);
  for (const Image& image : TRY(images.list())) {
    if (used.contains(image.id) || (only_dangling && image.is_named())) continue;
    const auto config = images.config_of(image);
    if (!config || !filters.labels(config->labels) || (until && image.created > *until)) continue;
    std::vector<std::string> names = image.names;
    if (names.empty()) names.push_back(image.id);
    for (const std::string& name : names) {
      const auto report = images.remove(name);
      if (!report) continue;  // something else needs it: the build cache
      reclaimed += report->reclaimed;
      for (const Json& row : removal_rows(*report)) removed.push_back(row);
    }
  }
  return call.json(200, {{"ImagesDeleted", removed.empty() ? Json(nullptr) : removed}, {"SpaceReclaimed", reclaimed}});
}

constexpr Route table[] = {
    {"GET", "/images/json", list_images, Access::look, Reach::project},
    {"POST", "/images/prune", prune_images},
    {"GET", "/images/{name...}/json", inspect_image, Access::look, Reach::project},
    {"GET", "/images/{name...}/history", image_history, Access::look, Reach::project},
    {"POST", "/images/{name...}/tag", tag_image},
    {"DELETE", "/images/{name...}", remove_image},
};

}  // namespace

std::span<const Route> image_routes() {
  return table;
}

}  // namespace consort::serve

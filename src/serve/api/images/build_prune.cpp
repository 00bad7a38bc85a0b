// POST /build/prune.
#include "base/strings.hpp"
#include "engine/images.hpp"
#include "serve/api/filters.hpp"
#include "serve/api/images/build_cache_record.hpp"
#include "serve/api/moments.hpp"
#include "serve/api/routes.hpp"

namespace consort::serve {

namespace {

// `until`, and the older name of it.
Result<std::optional<SystemTime>> unused_since(const Filters& filters) {
  if (filters.has("until") && filters.has("unused-for"))
    return fail(http_error(400, "conflicting filters: \"until\" and \"unused-for\""));
  const std::string key = filters.has("unused-for") ? "unused-for" : "until";
  if (filters.values(key).size() > 1) return fail(http_error(400, "filters expect only one value"));
  auto since = until_of(filters, key);
  if (since) return since;
  return fail(http_error(
      400, "\"" + key + "\" filter expects a duration (e.g., '24h') or a timestamp: " + since.error().message()));
}

// What is asked of fields, of the one record that there is. It is in nobody's use, shared by nobody and of no parent.
Result<bool> is_meant(const Filters& filters) {
  for (const char* key : {"id", "parent", "type", "description", "inuse", "shared", "private", "mutable", "immutable"})
    if (filters.values(key).size() > 1) return fail(http_error(400, "filters expect only one value"));
  for (const char* key : {"parent", "inuse", "shared", "mutable"})
    if (filters.has(key)) return false;
  return filters.pattern("id", build_cache_record.id) && filters.exact("type", build_cache_record.type) &&
         filters.exact("description", build_cache_record.description) && filters.exact("private", "") &&
         filters.exact("immutable", "");
}

// Filters of other keys are for the other things that `docker system prune` asks for.
Result<> prune_build_cache(Call& call) {
  const Filters filters = TRY(Filters::of_any_key(call));
  const std::optional<SystemTime> since = TRY(unused_since(filters));
  for (const char* key : {"keep-storage", "max-used-space", "min-free-space", "reserved-space"})
    if (!call.query(key).empty() && !parse_signed(call.query(key)))
      return fail(http_error(400, std::string(key) + " is in bytes and expects an integer, got " + call.query(key)));
  if (!TRY(is_meant(filters))) return call.json(200, {{"CachesDeleted", nullptr}, {"SpaceReclaimed", 0}});
  engine::Images images = TRY(call.engine())->images();
  const image::PruneOptions act{.images = image::PruneOptions::Images::none, .mode = image::PruneOptions::Mode::act};
  const auto report = TRY(
      images.prune({.what = act, .build_cache = engine::ImagePrune::BuildCache::forget, .cache_unused_since = since}));
  Json deleted = nullptr;
  for (const image::PruneItem& item : report.items)
    if (item.needed_by.empty()) deleted.push_back(item.id);
  return call.json(200, {{"CachesDeleted", std::move(deleted)}, {"SpaceReclaimed", report.reclaimed}});
}

constexpr Route table[] = {{"POST", "/build/prune", prune_build_cache}};

}  // namespace

std::span<const Route> build_prune_routes() {
  return table;
}

}  // namespace consort::serve

// POST /build/prune.
#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "engine/build_cache.hpp"
#include "serve/api/filters.hpp"
#include "serve/api/images/build_cache_record.hpp"
#include "serve/api/moments.hpp"
#include "serve/api/routes.hpp"

namespace consort::serve {

namespace {

// `until`, and its older name.
Result<std::optional<SystemTime>> unused_since(const Filters& filters) {
  if (filters.has("until") && filters.has("unused-for"))
    return fail(http_error(400, "conflicting filters: \"until\" and \"unused-for\""));
  const std::string key = filters.has("unused-for") ? "unused-for" : "until";
  if (filters.values(key).size() > 1) return fail(http_error(400, "filters expect only one value"));
  if (!filters.has(key)) return std::nullopt;
  auto since = until_of(filters, key);
  if (since) return since;
  return fail(http_error(
      400, "\"" + key + "\" filter expects a duration (e.g., '24h') or a timestamp: " + since.error().message()));
}

// Filters on fields, applied to the single record. It is not in use, not shared, and has no parent.
Result<bool> is_meant(const Filters& filters) {
  for (const char* key : {"id", "parent", "type", "description", "inuse", "shared", "private"})
    if (filters.values(key).size() > 1) return fail(http_error(400, "filters expect only one value"));
  for (const char* key : {"parent", "inuse", "shared"})
    if (filters.has(key)) return false;
  return filters.pattern("id", build_cache_record.id) && filters.exact("type", build_cache_record.type) &&
         filters.exact("description", build_cache_record.description) && filters.exact("private", "");
}

// Since API 1.48, sizes have separate names; the earlier one stands for what stays in any case.
Result<build::CachePrune> sizes_of(const Call& call) {
  constexpr unsigned with_sizes = 48;
  const auto bytes = [&](const char* key) -> Result<std::uint64_t> {
    const std::string text = call.query(key);
    const auto number = text.empty() ? std::optional<std::int64_t>(0) : parse_signed(text);
    if (!number)
      return fail(http_error(400, std::string(key) + " is in bytes and expects an integer, got " + text +
                                      ": strconv.Atoi: parsing \"" + text + "\": invalid syntax"));
    return saturated<std::uint64_t>(*number);
  };
  build::CachePrune prune;
  if (call.version() < with_sizes) {
    prune.reserved = TRY(bytes("keep-storage"));
    return prune;
  }
  prune.reserved = TRY(bytes("reserved-space"));
  if (prune.reserved == 0) prune.reserved = TRY(bytes("keep-storage"));
  prune.max_used = TRY(bytes("max-used-space"));
  prune.min_free = TRY(bytes("min-free-space"));
  return prune;
}

// Labels are for the other objects that `docker system prune` includes.
Result<> prune_build_cache(Call& call) {
  constexpr std::string_view known[] = {"description", "id",     "inuse", "label", "label!",    "parent",
                                        "private",     "shared", "type",  "until", "unused-for"};
  const auto asked = Filters::of(call, known);
  // BuildKit itself reports unknown filters; unparsable ones do not get that far.
  const bool got_to_it = !asked && asked.error().subject() == Subject::setting;
  if (!asked)
    return fail(http_error(400, (got_to_it ? "failed to prune build cache: " : "") + asked.error().message()));
  const Filters& filters = *asked;
  build::CachePrune cache = TRY(sizes_of(call));
  cache.unused_since = TRY(unused_since(filters));
  if (!TRY(is_meant(filters))) return call.json(200, {{"CachesDeleted", nullptr}, {"SpaceReclaimed", 0}});
  const auto report = TRY(engine::prune_build_cache(*TRY(call.engine()), cache));
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

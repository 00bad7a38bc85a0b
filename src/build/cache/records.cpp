#include "build/cache/records.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "image/config.hpp"

namespace consort::build {
namespace {

constexpr int version = 1;
constexpr std::size_t max_steps = 10'000;
constexpr std::size_t max_layers = 512;  // as in an image manifest
constexpr std::size_t digest_digits = 64;

Error damaged(std::string why) {
  return Error(Code::invalid, "read build cache").why(std::move(why));
}

bool is_lower_hex(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Json format_steps(const std::vector<CacheRecord>& steps) {
  Json list = Json::array();
  for (const CacheRecord& step : steps)
    list.push_back(Json{
        {"key", step.key}, {"output", step.output}, {"created", format_rfc3339(step.created)}, {"layer", step.layer}});
  return list;
}

Result<CacheRecord> parse_step(const Json& item, std::size_t layers) {
  CacheRecord step;
  step.key = get_string(item, "key");
  if (step.key.size() != digest_digits || !is_lower_hex(step.key)) return fail(damaged("a step has an invalid key"));
  // It only becomes part of the next step's key.
  step.output = get_string(item, "output");
  if (step.output.size() > digest_digits || !is_lower_hex(step.output))
    return fail(damaged("a step has an invalid output"));
  // Nanoseconds do not cover all years of this format.
  const std::string time = get_string(item, "created");
  const std::string year = time.substr(0, 4);
  const auto created = year >= "1970" && year <= "2200" ? parse_rfc3339(time) : std::nullopt;
  if (!created) return fail(damaged("a step has an invalid time"));
  step.created = *created;
  const std::int64_t layer = get_int(item, "layer", -1);
  if (layer < 0 || static_cast<std::uint64_t>(layer) >= layers)
    return fail(damaged("a step refers to a missing layer"));
  step.layer = static_cast<std::size_t>(layer);
  return step;
}

Result<std::vector<CacheRecord>> parse_steps(const Json& root, std::size_t layers) {
  if (get_int(root, "version") != version)
    return fail(Error(Code::unsupported, "read build cache").why("it belongs to another version of Consort"));
  const Json* list = find_key(root, "steps");
  if (!list || !list->is_array() || list->size() > max_steps) return fail(damaged("its steps are missing or too many"));
  std::vector<CacheRecord> steps;
  for (const Json& item : *list) steps.push_back(TRY(parse_step(item, layers)));
  return steps;
}

}  // namespace

std::string format_records(const CacheRecords& records) {
  Json layers = Json::array();
  for (const image::Digest& diff_id : records.diff_ids) layers.push_back(diff_id.text());
  return dump_json(Json{{"version", version}, {"layers", std::move(layers)}, {"steps", format_steps(records.steps)}});
}

Result<CacheRecords> parse_records(std::string_view text) {
  const Json root = TRY(parse_json(text, "build cache"));
  const Json* layers = find_key(root, "layers");
  if (!layers || !layers->is_array() || layers->size() > max_layers)
    return fail(damaged("its layers are missing or too many"));
  CacheRecords records;
  for (const Json& item : *layers) {
    if (!item.is_string()) return fail(damaged("a layer has an invalid digest"));
    records.diff_ids.push_back(TRY(image::Digest::parse(item.get<std::string>())));
  }
  records.steps = TRY(parse_steps(root, records.diff_ids.size()));
  return records;
}

std::string format_inline_records(const std::vector<CacheRecord>& steps) {
  return dump_json(Json{{"version", version}, {"steps", format_steps(steps)}});
}

Result<std::optional<CacheRecords>> parse_inline_records(std::string_view image_config) {
  const Json root = TRY(parse_json(image_config, "image configuration"));
  const Json* part = find_key(root, image::build_cache_key);
  if (!part) return std::nullopt;
  CacheRecords records;
  records.diff_ids = TRY(image::parse_config(image_config)).diff_ids;
  records.steps = TRY(parse_steps(*part, records.diff_ids.size()));
  return records;
}

std::string other_builder(std::string_view config_type, std::string_view config) {
  if (config_type.starts_with("application/vnd.buildkit.")) return "BuildKit";
  const auto root = parse_json(config, "image configuration");
  return root && find_key(*root, "moby.buildkit.cache.v0") ? "BuildKit" : "";
}

}  // namespace consort::build

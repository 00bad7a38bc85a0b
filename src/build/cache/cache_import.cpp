#include "build/cache/cache_import.hpp"

#include <set>

#include "base/os/files/file.hpp"

namespace consort::build {
namespace {

// If it is not one of our caches, the error says what was found, in one line.
Result<CacheRecords> records_of(const image::Artifact& artifact) {
  if (artifact.config_type() == cache_config_type) return parse_records(artifact.config());
  const std::string other = other_builder(artifact.config_type(), artifact.config());
  if (!other.empty())
    return fail(Error(Code::unsupported).why("it is a cache of another builder (" + other + "), which is not read"));
  auto records = TRY(parse_inline_records(artifact.config()));
  if (!records) return fail(Error(Code::not_found).why("it is an image without an inline cache"));
  return std::move(*records);
}

}  // namespace

std::string shown_name(const CacheSpec& spec) {
  if (spec.type == CacheSpec::Type::local) return "local:" + spec.directory;
  const auto reference = image::Reference::parse(spec.reference);
  return reference ? reference->full() : spec.reference;
}

CacheImports::CacheImports(image::Store& store, ProgressLog& log, std::vector<CacheSpec> specs, std::string directory,
                           image::Platform platform, std::stop_token cancel)
    : store_(store),
      log_(log),
      specs_(std::move(specs)),
      directory_(std::move(directory)),
      platform_(std::move(platform)),
      cancel_(std::move(cancel)) {}
CacheImports::~CacheImports() = default;

void CacheImports::open_all() {
  std::set<std::string> seen;
  for (const CacheSpec& spec : specs_) {
    const std::string name = shown_name(spec);
    if (spec.type == CacheSpec::Type::unsupported || !seen.insert(name + spec.tag + spec.digest).second) continue;
    auto step = log_.start("importing cache manifest from " + name);
    auto source = open(spec);
    const bool stopped = !source && (source.error().code() == Code::interrupted || cancel_.stop_requested());
    if (source) {
      step.output(std::to_string(source->steps.size()) + " steps\n", false);
      sources_.push_back(std::move(*source));
    }
    step.end(source    ? StepState::done
             : stopped ? StepState::canceled
                       : StepState::error,
             source ? "" : source.error().message());
    if (stopped) return;
  }
}

Result<CacheImports::Source> CacheImports::open(const CacheSpec& spec) const {
  image::PullOptions options;
  options.platform = platform_;
  options.cancel = cancel_;
  Source source;
  source.name = shown_name(spec);
  if (spec.type == CacheSpec::Type::local) {
    image::LayoutPlace place{join_path(directory_, spec.directory), spec.tag, {}};
    if (!spec.digest.empty()) place.digest = TRY(image::Digest::parse(spec.digest));
    source.artifact = TRY(image::open_artifact(store_, place, options));
  } else {
    source.artifact = TRY(image::open_artifact(store_, TRY(image::Reference::parse(spec.reference)), options));
  }
  CacheRecords records = TRY(records_of(*source.artifact));
  if (records.diff_ids.size() != source.artifact->layer_count())
    return fail(Code::invalid, "read build cache", "its manifest has another number of layers");
  for (CacheRecord& record : records.steps) source.steps.try_emplace(record.key, std::move(record));
  source.diff_ids = std::move(records.diff_ids);
  return source;
}

Result<CacheImports::Hit> CacheImports::fetch(const Source& source, const CacheRecord& record) const {
  const image::LayerInfo layer = TRY(source.artifact->layer(record.layer, source.diff_ids[record.layer]));
  TRY(store_.flush());  // before the cache refers to it, because it came from outside
  return Hit{{layer.id, layer.directory, record.output, record.created}, source.name};
}

Result<std::optional<CacheImports::Hit>> CacheImports::find(const std::string& key, ProgressLog::Step& step) {
  std::call_once(opened_, [this] { open_all(); });
  for (const Source& source : sources_) {
    const auto record = source.steps.find(key);
    if (record == source.steps.end()) continue;
    auto hit = fetch(source, record->second);
    if (hit) return std::move(*hit);
    if (cancel_.stop_requested()) break;
    step.output("cache " + source.name + " cannot be used here: " + hit.error().message() + "\n", true);
  }
  if (cancel_.stop_requested()) return fail(Code::interrupted, "import build cache");
  return std::nullopt;
}

}  // namespace consort::build

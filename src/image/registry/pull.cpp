#include <algorithm>
#include <atomic>
#include <thread>

#include "base/json.hpp"
#include "image/registry/download.hpp"
#include "image/registry/layer_fetch.hpp"
#include "image/registry/named_manifest.hpp"
#include "image/session.hpp"
#include "image/store/reporter.hpp"
#include "image/store/store_sweep.hpp"
#include "image/tar/layer_import.hpp"
#include "image/transfer.hpp"

namespace consort::image {

namespace {

constexpr std::size_t max_config_bytes = 8 << 20;
constexpr int max_index_depth = 4;

// Everything needed to fetch the layers of one image.
class LayerFetcher {
 public:
  LayerFetcher(Store& store, Registry& registry, const PullOptions& options, UnpackLimits limits, Reporter& report)
      : store_(store), registry_(registry), options_(options), limits_(limits), report_(report) {}

  // Returns the layers' ids, base first. The first failure stops the others.
  Result<std::vector<std::string>> run(const std::vector<Descriptor>& layers, const std::vector<Digest>& diff_ids);

 private:
  void work(const std::vector<Descriptor>& layers, const std::vector<Digest>& diff_ids);
  Result<std::string> fetch(const Descriptor& layer, const Digest& diff_id);

  Store& store_;
  Registry& registry_;
  const PullOptions& options_;
  UnpackLimits limits_;
  Reporter& report_;

  std::atomic<std::size_t> next_{0};
  std::stop_source stop_;
  std::mutex mutex_;
  std::vector<std::string> ids_;
  std::optional<Error> error_;
};

Result<std::vector<std::string>> LayerFetcher::run(const std::vector<Descriptor>& layers,
                                                   const std::vector<Digest>& diff_ids) {
  ids_.resize(layers.size());
  const std::stop_callback forward(options_.cancel, [this] { stop_.request_stop(); });
  for (const Descriptor& layer : layers) report_(layer.digest.short_hex(), Phase::waiting, 0, layer.size);
  {
    std::vector<std::jthread> workers;
    const std::size_t count = std::min<std::size_t>(layers.size(), std::max(1U, options_.parallel_layers));
    for (std::size_t i = 0; i < count; ++i) workers.emplace_back([&] { work(layers, diff_ids); });
  }
  if (error_) return fail(std::move(*error_));
  return ids_;
}

void LayerFetcher::work(const std::vector<Descriptor>& layers, const std::vector<Digest>& diff_ids) {
  for (std::size_t i = next_++; i < layers.size() && !stop_.stop_requested(); i = next_++) {
    Result<std::string> id = fetch(layers[i], diff_ids[i]);
    const std::scoped_lock lock(mutex_);
    if (id) {
      ids_[i] = std::move(*id);
      continue;
    }
    // "Interrupted" is mostly a consequence of another layer's failure.
    if (!error_ || error_->code() == Code::interrupted) error_ = std::move(id).error();
    stop_.request_stop();
  }
  if (stop_.stop_requested()) {
    const std::scoped_lock lock(mutex_);
    if (!error_) error_ = Error(Code::interrupted, "pull");
  }
}

Result<std::string> LayerFetcher::fetch(const Descriptor& layer, const Digest& diff_id) {
  const std::string id = layer.digest.short_hex();
  if (const auto known = TRY(store_.find_layer(diff_id))) {
    report_(id, Phase::exists);
    return known->id;
  }
  LayerInfo info =
      TRY_WRAP(fetch_layer(store_, registry_, layer, diff_id, {limits_, stop_.get_token(), report_}), "layer " + id);
  report_(id, Phase::done);
  return std::move(info.id);
}

struct Chosen {
  Digest top;  // what the tag stands for
  Registry::Document document;
  Manifest manifest;
};

Result<Chosen> choose_manifest(Registry& registry, const Reference& reference, const Platform& platform) {
  const std::string name = reference.familiar();
  Registry::Document document = TRY(fetch_named(registry, reference));
  const Digest top = document.digest;
  ManifestOrIndex parsed = TRY(parse_manifest(document.body, document.content_type, name));
  for (int depth = 1; parsed.index; ++depth) {
    if (depth > max_index_depth)
      return fail(Error(Code::invalid, "read manifest").on(name).why("indexes are nested too deeply"));
    const Descriptor entry = TRY(choose_platform(*parsed.index, platform, name));
    document = TRY(registry.manifest(entry.digest.text()));
    parsed = TRY(parse_manifest(document.body, document.content_type, name));
  }
  if (!parsed.manifest) return fail(Error(Code::invalid, "read manifest").on(name).why("it is not a manifest"));
  return Chosen{top, std::move(document), std::move(*parsed.manifest)};
}

Result<std::string> fetch_config(Store& store, Registry& registry, const Descriptor& config, std::stop_token cancel,
                                 Reporter& report) {
  if (config.size > max_config_bytes) return fail(Code::invalid, "fetch image configuration", "it is too large");
  const auto download = TRY(Download::begin(store, config, std::move(cancel)));
  const std::string id = config.digest.short_hex();
  bool waited = false;
  const auto on_retry = [&](const std::string& why) {
    waited = true;
    report(id, Phase::retrying, 0, 0, why);
  };
  TRY_WRAP(download->run(registry, {}, on_retry), "fetch image configuration");
  if (waited) report(id, Phase::done);
  return store.read_blob(config.digest, max_config_bytes);
}

bool same_platform(const Platform& wanted, const Platform& there) {
  const auto variant = [](const Platform& platform) {
    return platform.architecture == "arm64" && platform.variant.empty() ? std::string("v8") : platform.variant;
  };
  return wanted.os == there.os && wanted.architecture == there.architecture && variant(wanted) == variant(there);
}

// The image that the name already has here, if it is what this digest refers to.
Result<std::optional<Image>> is_here(Store& store, const Reference& reference, const PullOptions& options,
                                     const Digest& digest) {
  const std::string by_digest = reference.name() + "@" + digest.text();
  const auto has = [&](const Image& image) {
    return std::ranges::find(image.digests, by_digest) != image.digests.end();
  };
  const Platform platform = options.platform.value_or(Platform::host());
  if (auto own = store.find(reference, platform); own && has(*own) && same_platform(platform, own->platform))
    return std::move(*own);
  // For another machine, but there is nothing to choose from: it is not an index.
  if (options.platform) return std::nullopt;
  auto own = store.find(reference);
  if (own && has(*own) && TRY(store.manifest_of(*own)) == digest) return std::move(*own);
  return std::nullopt;
}

// For a name that exists here, the registry is asked with HEAD, which registries do not count. nullopt: it must be
// fetched.
Result<std::optional<PullResult>> up_to_date(Store& store, Registry& registry, const Reference& reference,
                                             const PullOptions& options) {
  if (!store.find(reference, options.platform)) return std::nullopt;
  auto asked = registry.head_manifest(reference.selector());
  if (!asked && asked.error().kind == HttpFailure::Kind::broken) return std::nullopt;  // a GET is tried again
  if (!asked) return fail(std::move(asked).error());
  std::optional<Digest>& digest = *asked;
  if (!digest) return std::nullopt;
  auto image = TRY(is_here(store, reference, options, *digest));
  if (!image) return std::nullopt;
  // As after every pull, the name counts as set again: pull_policy daily asks again tomorrow.
  if (!reference.digest) TRY(store.tag(TRY(store.platforms_of(reference.full())), reference));
  return PullResult{std::move(*image), std::move(*digest), false};
}

Result<PullResult> pull_from(Store& store, Registry& registry, const Reference& reference, const PullOptions& options,
                             Reporter& report) {
  const Platform platform = options.platform.value_or(Platform::host());
  report("", Phase::resolving);
  if (auto current = TRY(up_to_date(store, registry, reference, options))) {
    report("", Phase::finished, 0, 0, current->manifest.text());
    return std::move(*current);
  }
  Chosen chosen = TRY(choose_manifest(registry, reference, platform));
  const std::string raw_config = TRY(fetch_config(store, registry, chosen.manifest.config, options.cancel, report));
  const ImageConfig config = TRY(parse_config(raw_config));
  if (config.diff_ids.size() != chosen.manifest.layers.size())
    return fail(Error(Code::invalid, "read manifest")
                    .on(reference.familiar())
                    .why("it has " + std::to_string(chosen.manifest.layers.size()) + " layers, its configuration " +
                         std::to_string(config.diff_ids.size())));
  if (options.platform && match(*options.platform, config.platform) == 0)
    return fail(Error(Code::not_found, "image with reference " + reference.familiar() +
                                           " was found but its platform (" + config.platform.text() +
                                           ") does not match the specified platform (" + options.platform->text() +
                                           ")"));
  const bool known = store.find(chosen.manifest.config.digest.text()).has_value();
  LayerFetcher fetcher(store, registry, options, TRY(layer_limits(options)), report);
  const std::vector<std::string> layers = TRY(fetcher.run(chosen.manifest.layers, config.diff_ids));

  const Digest manifest = TRY(store.write_blob(chosen.document.body));
  if (!known) TRY(store.flush());
  Reference name = reference;
  if (name.digest) name.tag.clear();  // beside a digest, a tag is only a remark
  name.digest = chosen.top;
  // Images that the name already has for other platforms stay.
  const auto own = store.find(reference);
  const bool same_index =
      own && std::ranges::find(own->digests, name.name() + "@" + chosen.top.text()) != own->digests.end();
  const auto before = store.find(reference, config.platform);
  Image image = TRY(store.add_image(raw_config, layers, manifest, {name}, same_index ? Naming::beside : Naming::alone));
  const bool changed = !known || !before || before->id != image.id;
  report("", Phase::finished, 0, 0, chosen.top.text());
  return PullResult{std::move(image), chosen.top, changed};
}

// Chooses between the mirrors' errors and the registry's own: an answer says more than a failed connection.
Error main_error(std::vector<Error> errors) {
  auto best = errors.end() - 1;
  if (best->http_status() == 0) {
    const auto answer = std::ranges::find_if(errors, [](const Error& error) { return error.http_status() != 0; });
    if (answer != errors.end()) best = answer;
  }
  Error chosen = std::move(*best);
  errors.erase(best);
  for (Error& other : errors) chosen.data().also.push_back(std::move(other));
  return chosen;
}

}  // namespace

Result<PullResult> pull(Store& store, const Reference& reference, const PullOptions& options,
                        const Progress& progress) {
  if (options.policy != PullOptions::Policy::always) {
    auto local = store.find(reference, options.platform);
    if (local) {
      Digest id = TRY(Digest::parse(local->id));  // before the image, which holds the text, is moved
      return PullResult{std::move(*local), std::move(id), false};
    }
    if (options.policy == PullOptions::Policy::never) return fail(std::move(local).error());
  }
  const RegistryAccess access = TRY(RegistryAccess::load(options.registry));
  const std::vector<Location> locations = TRY(access.conf.locations(reference));
  std::optional<Session> keep(TRY(begin_session(store, options.cancel)));
  Reporter report(progress);
  std::vector<Error> errors;
  for (const Location& location : locations) {
    Registry registry(access, location, Registry::Actions::pull, options.cancel);
    Result<PullResult> result = pull_from(store, registry, reference, options, report);
    if (result) return result;
    if (options.cancel.stop_requested()) return fail(Code::interrupted, "pull", reference.familiar());
    errors.push_back(std::move(result).error());
  }
  // Nothing stays of an image that cannot be right; what a broken connection left is kept for the next pull.
  keep.reset();
  const bool wrong = std::ranges::any_of(errors, [](const Error& error) { return error.code() == Code::invalid; });
  if (wrong) (void)sweep_store(store.state(), options.cancel);
  return fail(main_error(std::move(errors)));
}

Result<Digest> resolve_digest(const Reference& reference, const RegistryOptions& options) {
  const RegistryAccess access = TRY(RegistryAccess::load(options));
  std::vector<Error> errors;
  for (const Location& location : TRY(access.conf.locations(reference))) {
    Registry registry(access, location, Registry::Actions::pull);
    if (auto digest = registry.head_manifest(reference.selector()).value_or(std::nullopt)) return std::move(*digest);
    auto document = fetch_named(registry, reference);
    if (document) return document->digest;
    errors.push_back(std::move(document).error());
  }
  return fail(main_error(std::move(errors)));
}

namespace {

Result<Platform> platform_of_config(Registry& registry, const Descriptor& config) {
  if (config.size > max_manifest_bytes)
    return fail(Error(Code::invalid, "read configuration " + config.digest.short_hex()).why("it is too large"));
  std::string text;
  TRY(registry.blob({.digest = config.digest, .size = config.size}, [&](std::span<const std::byte> bytes) -> Result<> {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }));
  if (Digest::of(text) != config.digest)
    return fail(Error(Code::invalid, "read configuration " + config.digest.short_hex()).why("its digest is another"));
  const Json json = TRY(parse_json(text, "configuration of the image"));
  return Platform{get_string(json, "os"), get_string(json, "architecture"), get_string(json, "variant")};
}

Result<RemoteImage> look_at(Registry& registry, const Reference& reference) {
  const Registry::Document document = TRY(fetch_named(registry, reference));
  const ManifestOrIndex read = TRY(parse_manifest(document.body, document.content_type, reference.familiar()));
  RemoteImage found{
      read.index ? read.index->media_type : read.manifest->media_type, document.digest, document.body.size(), {}};
  if (read.manifest) {
    found.platforms.push_back(TRY(platform_of_config(registry, read.manifest->config)));
  } else {
    for (const Descriptor& each : read.index->manifests)
      if (each.platform && !each.attestation) found.platforms.push_back(*each.platform);
  }
  return found;
}

}  // namespace

Result<RemoteImage> inspect_remote(const Reference& reference, const RegistryOptions& options) {
  const RegistryAccess access = TRY(RegistryAccess::load(options));
  std::vector<Error> errors;
  for (const Location& location : TRY(access.conf.locations(reference))) {
    Registry registry(access, location, Registry::Actions::pull);
    auto found = look_at(registry, reference);
    if (found) return found;
    errors.push_back(std::move(found).error());
  }
  return fail(main_error(std::move(errors)));
}

}  // namespace consort::image

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/strings.hpp"
#include "image/registry/download.hpp"
#include "image/registry/layer_fetch.hpp"
#include "image/registry/similar.hpp"
#include "image/store/reporter.hpp"
#include "image/tar/layer_import.hpp"
#include "image/transfer.hpp"

namespace consort::image {

namespace {

constexpr std::size_t max_config_bytes = 8 << 20;

// All that is needed to fetch the layers of one image.
class LayerFetcher {
 public:
  LayerFetcher(Store& store, Registry& registry, const PullOptions& options, UnpackLimits limits, Reporter& report)
      : store_(store), registry_(registry), options_(options), limits_(limits), report_(report) {}

  // Gives the layers' ids, base first. The first failure stops the others.
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
    // "Interrupted" is mostly the echo of another layer's failure.
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
  Registry::Document document = TRY(registry.manifest(reference.selector()));
  const Digest top = document.digest;
  ManifestOrIndex parsed = TRY(parse_manifest(document.body, document.content_type, reference.familiar()));
  if (parsed.index) {
    const Descriptor entry = TRY(choose_platform(*parsed.index, platform, reference.familiar()));
    document = TRY(registry.manifest(entry.digest.text()));
    parsed = TRY(parse_manifest(document.body, document.content_type, reference.familiar()));
    if (!parsed.manifest)
      return fail(Error(Code::invalid, "read manifest").on(reference.familiar()).why("an index inside an index"));
  }
  return Chosen{top, std::move(document), std::move(*parsed.manifest)};
}

Result<std::string> fetch_config(Store& store, Registry& registry, const Descriptor& config, std::stop_token cancel) {
  if (config.size > max_config_bytes) return fail(Code::invalid, "fetch image configuration", "it is too large");
  const auto download = TRY(Download::begin(store, config, std::move(cancel)));
  TRY_WRAP(download->run(registry, {}, {}), "fetch image configuration");
  return store.read_blob(config.digest, max_config_bytes);
}

Result<PullResult> pull_from(Store& store, Registry& registry, const Reference& reference, const PullOptions& options,
                             Reporter& report) {
  const Platform platform = options.platform.value_or(Platform::host());
  report("", Phase::resolving);
  Chosen chosen = TRY(choose_manifest(registry, reference, platform));
  const std::string raw_config = TRY(fetch_config(store, registry, chosen.manifest.config, options.cancel));
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
  // Of what the name stands for already, the images for other platforms stay.
  const auto own = store.find(reference);
  const bool same_index =
      own && std::ranges::find(own->digests, name.name() + "@" + chosen.top.text()) != own->digests.end();
  const auto before = store.find(reference, config.platform);
  Image image = TRY(store.add_image(raw_config, layers, manifest, {name}, same_index ? Naming::beside : Naming::alone));
  const bool changed = !known || !before || before->id != image.id;
  report("", Phase::finished, 0, 0, chosen.top.text());
  return PullResult{std::move(image), chosen.top, changed};
}

// Docker's words for what a registry refuses.
Error explain(Error error, const Reference& reference) {
  const auto reword = [&](std::string what) {
    Error outer(error.code(), std::move(what));
    outer.data().http_status = error.http_status();
    const ErrorData& inner = error.data();
    outer.data().why = inner.why.empty() ? error.message() : inner.why;
    outer.data().hint = error.hint_text();
    return outer;
  };
  const std::string& what = error.data().what;
  const bool not_found = error.data().http_status == 404;  // of this level: a missing layer is another story
  if (not_found && what == "fetch manifest" && error.data().why.contains("manifest unknown"))
    return reword("manifest for " + reference.familiar() + " not found");
  if (not_found) return reword("repository " + reference.familiar_name() + " not found");
  if (error.http_status() == 401 || error.http_status() == 403)
    return reword("pull access denied for " + reference.familiar_name() +
                  ", repository does not exist or may require 'docker login'");
  return error;
}

void add_similar_tags(Error& error, Registry& registry, const Reference& reference) {
  if (error.data().http_status != 404 || reference.tag.empty() || !error.hint_text().empty()) return;
  const auto tags = registry.tags(10'000);
  if (!tags) return;
  const std::vector<std::string> similar = similar_tags(reference.tag, *tags);
  std::vector<std::string> names;
  for (const std::string& tag : similar) names.push_back(reference.familiar_name() + ":" + tag);
  if (!names.empty())
    error.data().hint = "these exist: " + join(names, ", ");
  else if (!tags->empty())
    error.data().hint = "it has " + std::to_string(tags->size()) + " other tags, " + tags->back() + " for one";
}

// Of the mirrors' errors and the registry's own: an answer says more than a connection that failed.
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
  (void)store.sweep_abandoned();
  std::optional<Session> keep(TRY(store.session()));
  Reporter report(progress);
  std::vector<Error> errors;
  for (const Location& location : locations) {
    Registry registry(access, location, Registry::Actions::pull, options.cancel);
    Result<PullResult> result = pull_from(store, registry, reference, options, report);
    if (result) return result;
    if (options.cancel.stop_requested()) return fail(Code::interrupted, "pull", reference.familiar());
    errors.push_back(explain(std::move(result).error(), reference));
    add_similar_tags(errors.back(), registry, reference);
  }
  // Nothing stays of an image that cannot be right; what a broken connection left is kept for the next pull.
  keep.reset();
  const bool wrong = std::ranges::any_of(errors, [](const Error& error) { return error.code() == Code::invalid; });
  if (wrong) (void)store.sweep();
  return fail(main_error(std::move(errors)));
}

Result<Digest> resolve_digest(const Reference& reference, const RegistryOptions& options) {
  const RegistryAccess access = TRY(RegistryAccess::load(options));
  std::optional<Error> last;
  for (const Location& location : TRY(access.conf.locations(reference))) {
    Registry registry(access, location, Registry::Actions::pull);
    auto digest = registry.manifest_digest(reference.selector());
    if (digest) return digest;
    last = std::move(digest).error();
  }
  return fail(explain(std::move(*last), reference));
}

}  // namespace consort::image

#include "engine/images.hpp"

#include <algorithm>
#include <memory>
#include <set>

#include "base/json.hpp"
#include "base/narrow.hpp"
#include "build/cache.hpp"
#include "engine/engine_impl.hpp"
#include "image/committed.hpp"
#include "image/prune_plan.hpp"

namespace consort::engine {

namespace {

constexpr const char* build_cache_owners = "build:";  // how their names begin

bool is_of_build_cache(const std::string& owner) {
  return owner.starts_with(build_cache_owners);
}

// Maps the owners of holds to names that people know.
Result<image::ImageUsers> users_of(Engine& engine, ImagePrune::Ended ended = ImagePrune::Ended::stay) {
  auto containers = std::make_shared<std::vector<Container>>(TRY(engine.list({.left_behind = LeftBehind::show})));
  return [containers, ended](const image::Image& image, const std::vector<std::string>& owners) {
    std::vector<std::string> users;
    std::set<std::string> named;
    for (const Container& container : *containers) {
      if (container.image_id != image.id) continue;
      named.insert("container:" + container.id);
      if (ended == ImagePrune::Ended::go && !container.state.running()) continue;
      users.push_back("container " + container.name + " (" + std::string(to_string(container.state.status)) + ")");
    }
    for (const std::string& owner : owners)
      if (!named.contains(owner)) users.push_back(is_of_build_cache(owner) ? "the build cache" : owner);
    return users;
  };
}

// The image starts with what the container was started with, as with `docker commit`; what only the image knows
// (layers, history, platform) comes from its own configuration.
image::ImageConfig config_of_container(const ProcessConfig& process, image::ImageConfig config) {
  config.env = process.environment;
  config.entrypoint = process.entrypoint;
  config.cmd = process.command;
  config.user = process.user;
  config.working_dir = process.working_dir;
  config.stop_signal = process.stop_signal;
  config.exposed_ports = process.exposed;
  config.volumes = process.volumes;
  config.labels = process.labels;
  config.shell = process.shell;
  config.healthcheck.reset();
  if (const auto& health = process.health; health && health->test) {
    config.healthcheck = image::Healthcheck{.test = *health->test,
                                            .interval = health->interval.value_or(Nanoseconds(0)),
                                            .timeout = health->timeout.value_or(Nanoseconds(0)),
                                            .start_period = health->start_period.value_or(Nanoseconds(0)),
                                            .start_interval = health->start_interval.value_or(Nanoseconds(0)),
                                            .retries = saturated<int>(health->retries.value_or(0))};
  }
  return config;
}

// For clients of older versions of Docker's API, and for who gets the image from a registry.
std::string configured_by(const ContainerRecord& record, const image::ImageConfig& config) {
  const Json whole = parse_json(image::format_config(config), "configuration").value_or(Json::object());
  const Json* of_image = find_key(whole, "config");
  Json said = of_image ? *of_image : Json::object();
  said["Hostname"] = record.hostname;
  said["Domainname"] = record.domainname;
  said["Image"] = record.summary.image;
  said["Tty"] = record.spec.tty;
  said["OpenStdin"] = record.spec.open_stdin;
  return dump_json(said);
}

}  // namespace

Images Engine::images() {
  return {*this, *impl_};
}

Result<image::Image> Images::find(std::string_view text, const std::optional<image::Platform>& platform) const {
  return impl_->store.find(text, platform);
}

Result<std::optional<image::Image>> Images::look_up(std::string_view text,
                                                    const std::optional<image::Platform>& platform) const {
  return impl_->store.look_up(text, platform);
}

Result<std::vector<image::Image>> Images::list() const {
  return impl_->store.list();
}

Result<image::ImageConfig> Images::config_of(const image::Image& image) const {
  return impl_->store.config_of(image);
}

Result<std::string> Images::raw_config_of(const image::Image& image) const {
  return impl_->store.raw_config_of(image);
}

Result<std::vector<image::LayerInfo>> Images::layers_of(const image::Image& image) const {
  return impl_->store.layers_of(image);
}

Result<> Images::tag(const std::string& name, const image::Reference& further) {
  return impl_->store.tag(TRY(impl_->store.platforms_of(name)), further);
}

Result<image::RemoveReport> Images::remove(const std::string& text, Force force) {
  (void)engine_->remove_left_behind();
  const auto removal = force == Force::yes ? image::Store::Removal::force : image::Store::Removal::normal;
  return impl_->store.remove(text, removal, TRY(users_of(*engine_)));
}

Result<image::PruneReport> Images::prune(const ImagePrune& prune) {
  const bool forget = prune.build_cache == ImagePrune::BuildCache::forget;
  const bool act = prune.what.mode == image::PruneOptions::Mode::act;
  if (!act && prune.cache_unused_since) return fail(Code::unsupported, "plan a prune of a part of the build cache");
  if (act) (void)engine_->remove_left_behind();
  const image::ImageUsers users = TRY(users_of(*engine_, act ? ImagePrune::Ended::stay : prune.ended));
  if (!act) return image::plan_prune(impl_->store, prune.what.images, users, forget ? build_cache_owners : "");
  if (forget) TRY(build::forget_cache(impl_->store, {.unused_since = prune.cache_unused_since}));
  return impl_->store.prune(prune.what, users);
}

Result<image::PullResult> Images::pull(const image::Reference& reference, const image::PullOptions& options,
                                       const image::Progress& progress) {
  return image::pull(impl_->store, reference, options, progress);
}

Result<image::PushResult> Images::push(const image::Reference& reference, const image::PushOptions& options,
                                       const image::Progress& progress) {
  return image::push(impl_->store, reference, options, progress);
}

Result<image::LoadResult> Images::load(int in, const image::PullOptions& options, const image::Progress& progress) {
  return image::load(impl_->store, in, options, progress);
}

Result<> Images::save(const std::vector<std::string>& names, int out, const image::SaveOptions& options) {
  return image::save(impl_->store, names, out, options);
}

Result<image::Image> Images::import(int in, const image::ImportOptions& options) {
  return image::import_rootfs(impl_->store, in, options);
}

Result<image::Image> Images::commit(const std::string& container, const CommitSpec& spec) {
  const ContainerRecord record = TRY(impl_->load(container));
  const image::Image parent = TRY(impl_->store.find(record.summary.image_id));
  image::CommitOptions options;
  options.config = config_of_container(record.process, TRY(impl_->store.config_of(parent)));
  const image::CommittedContainer source{record.summary.id, configured_by(record, options.config)};
  if (spec.change) TRY(spec.change(options.config));
  if (spec.author) options.config.author = *spec.author;
  options.comment = spec.comment;
  options.names = spec.names;
  // Empty files and directories that the engine creates beneath its mounts.
  options.leave_out = {"etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", ".dockerenv", "dev",
                       "proc",      "sys",          "sbin/docker-init"};
  image::Image made = TRY(image::commit_container(
      impl_->store, parent, impl_->container_directory(record.summary.id) + "/upper", options, source));
  impl_->note(record.summary, "commit",
              {{"comment", options.comment},
               {"imageID", made.id},
               {"imageRef", options.names.empty() ? "" : options.names.front().familiar()}});
  return made;
}

Result<> Images::export_files(const std::string& container, int out) {
  const ContainerRecord record = TRY(impl_->load(container));
  const auto layers = TRY(impl_->store.layer_paths(TRY(impl_->store.find(record.summary.image_id))));
  impl_->note(record.summary, "export");
  return image::export_rootfs(layers, impl_->container_directory(record.summary.id) + "/upper", out);
}

}  // namespace consort::engine

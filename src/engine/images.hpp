// The images of this machine: Engine::images(). The types it uses (image::Image, image::Reference, image::Platform,
// image::PullOptions, ...) are declared by the headers included here. Only the engine uses the store behind them,
// because it knows what containers and the build cache need.
//
// Image names are as users write them. If there is no such image: Code::not_found, "No such image: X".
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engine/engine.hpp"
#include "image/image.hpp"
#include "image/transfer.hpp"

namespace consort::engine {

struct CommitSpec {
  std::vector<image::Reference> names{};
  std::string comment{};                // for the history entry
  std::optional<std::string> author{};  // nullopt: the image's
  // Changes to the container's own configuration.
  std::function<Result<>(image::ImageConfig&)> change{};
};

struct ImagePrune {
  image::PruneOptions what{};
  // forget: also removes images that only the build cache needs. In plan mode, they are counted as if they were
  // removed.
  enum class BuildCache : std::uint8_t { keep, forget } build_cache = BuildCache::keep;
  // If set, only build cache entries not used since then are removed. Not available in plan mode: Code::unsupported.
  std::optional<SystemTime> cache_unused_since{};
  // For plan mode. go: as if containers that are not running had been removed before.
  enum class Ended : std::uint8_t { stay, go } ended = Ended::stay;
};

// A handle, cheap to make and to copy. The engine must outlive it. Any thread.
class Images {
 public:
  Images(Engine& engine, Engine::Impl& impl) : engine_(&engine), impl_(&impl) {}

  // text: a reference ("postgres:15", "postgres@sha256:..."), an ID ("sha256:...") or a unique prefix of one. platform:
  // selects the best match among the image's platforms; it is an error if none suits it. nullopt: the image that the
  // name itself refers to.
  Result<image::Image> find(std::string_view text, const std::optional<image::Platform>& platform = {}) const;
  // nullopt instead of Code::not_found.
  Result<std::optional<image::Image>> look_up(std::string_view text,
                                              const std::optional<image::Platform>& platform = {}) const;
  Result<std::vector<image::Image>> list() const;  // newest first
  Result<image::ImageConfig> config_of(const image::Image& image) const;
  Result<std::string> raw_config_of(const image::Image& image) const;                // JSON, unmodified
  Result<std::vector<image::LayerInfo>> layers_of(const image::Image& image) const;  // base layer first

  // Adds a name to an image, for all its platforms; an image that had this name before loses it.
  Result<> tag(const std::string& name, const image::Reference& further);
  // Like `docker rmi`. If containers or the build cache use the image: Code::conflict, naming them. Force::yes untags
  // it anyway but never removes content that is in use.
  Result<image::RemoveReport> remove(const std::string& text, Force force = Force::no);
  Result<image::PruneReport> prune(const ImagePrune& prune);

  Result<image::PullResult> pull(const image::Reference& reference, const image::PullOptions& options,
                                 const image::Progress& progress = {});
  Result<image::PushResult> push(const image::Reference& reference, const image::PushOptions& options,
                                 const image::Progress& progress = {});
  // Downloads no layers.
  Result<image::RemoteImage> inspect_remote(const image::Reference& reference,
                                            const image::RegistryOptions& options) const {
    return image::inspect_remote(reference, options);
  }
  Result<image::LoadResult> load(int in, const image::PullOptions& options = {}, const image::Progress& progress = {});
  Result<> save(const std::vector<std::string>& names, int out, const image::SaveOptions& options = {});
  Result<image::Image> import(int in, const image::ImportOptions& options);

  // `docker commit` and `docker export`: a container's own files, without those of its mounts. It may be running.
  Result<image::Image> commit(const std::string& container, const CommitSpec& spec);
  Result<> export_files(const std::string& container, int out);

 private:
  Engine* engine_;
  Engine::Impl* impl_;
};

}  // namespace consort::engine

// The images of this machine: Engine::images(). The words for them (image::Image, image::Reference, image::Platform,
// image::PullOptions, ...) are declared by the headers included here; the store behind them is the engine's alone,
// which knows what containers and the build cache need of it.
//
// Names of images are as users write them. Not found is Code::not_found, "No such image: X".
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
  std::string comment{};                // of the history entry
  std::optional<std::string> author{};  // none: the image's
  // What is to be different from the container's own configuration.
  std::function<Result<>(image::ImageConfig&)> change{};
};

struct ImagePrune {
  image::PruneOptions what{};
  // forget: what the build cache alone needs goes as well. In plan mode it is counted as if it were forgotten.
  enum class BuildCache : std::uint8_t { keep, forget } build_cache = BuildCache::keep;
  // Of the build cache only what was not used since then. A plan cannot tell: Code::unsupported.
  std::optional<SystemTime> cache_unused_since{};
  // In plan mode: `go`: as if containers that do not run were removed before.
  enum class Ended : std::uint8_t { stay, go } ended = Ended::stay;
};

// A handle, cheap to make and to copy. The engine must outlive it. Any thread.
class Images {
 public:
  Images(Engine& engine, Engine::Impl& impl) : engine_(&engine), impl_(&impl) {}

  // text: a reference ("postgres:15", "postgres@sha256:..."), an id ("sha256:...") or a unique start of one.
  // platform: the best of the name's images for it, which must suit it; none: the name's own.
  Result<image::Image> find(std::string_view text, const std::optional<image::Platform>& platform = {}) const;
  // nullopt instead of not_found
  Result<std::optional<image::Image>> look_up(std::string_view text,
                                              const std::optional<image::Platform>& platform = {}) const;
  Result<std::vector<image::Image>> list() const;  // newest first
  Result<image::ImageConfig> config_of(const image::Image& image) const;
  Result<std::string> raw_config_of(const image::Image& image) const;                // JSON, as it came
  Result<std::vector<image::LayerInfo>> layers_of(const image::Image& image) const;  // base layer first

  // Gives a further name to an image, of all its platforms; whatever had that name loses it.
  Result<> tag(const std::string& name, const image::Reference& further);
  // As `docker rmi`. What containers or the build cache use is Code::conflict, which names them; `yes` untags it
  // anyway, but never takes content that is used.
  Result<image::RemoveReport> remove(const std::string& text, Force force = Force::no);
  Result<image::PruneReport> prune(const ImagePrune& prune);

  Result<image::PullResult> pull(const image::Reference& reference, const image::PullOptions& options,
                                 const image::Progress& progress = {});
  Result<image::PushResult> push(const image::Reference& reference, const image::PushOptions& options,
                                 const image::Progress& progress = {});
  // Only looked at.
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

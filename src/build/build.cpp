#include "build/build.hpp"

#include <algorithm>
#include <memory>
#include <stop_token>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/files/real_path.hpp"
#include "base/strings.hpp"
#include "build/cache/cache_export.hpp"
#include "build/cache_spec.hpp"
#include "build/context/directory.hpp"
#include "build/exec/ssh_agent.hpp"
#include "build/solve/cancel_watch.hpp"
#include "build/solve/definition.hpp"
#include "build/solve/platform_build.hpp"
#include "build/turns.hpp"
#include "image/session.hpp"

namespace consort::build {
namespace {

class Build {
 public:
  Build(const BuildRequest& request, BuildEnvironment& environment)
      : request_(request), environment_(environment), log_([this](const ProgressEvent& event) {
          if (environment_.progress) environment_.progress(event);
        }) {}

  // Looks everything up without running anything.
  Result<std::optional<std::string>> why_outdated(const std::string& image_id) {
    mode_ = Shared::Mode::look_only;
    environment_.progress = {};
    environment_.failed = {};
    const auto done = run();
    if (miss_) return miss_;
    if (!done && done.error().code() == Code::not_found) return std::nullopt;  // not built here, or forgotten
    if (!done) return fail(done.error());
    if (done->image_id.empty() || done->image_id == image_id) return std::nullopt;
    return "its sources give another image";
  }

  Result<BuildResult> run() {
    const CancelWatch watch(environment_.cancel_fd, stop_);
    const image::Session session = TRY(image::begin_session(environment_.store, stop_.get_token()));
    (void)sweep_turns(environment_.roots.run);
    const image::LayerDraft scratch = TRY(environment_.store.new_layer());  // swept if we die
    scratch_ = scratch.directory();
    TRY(read_cache_specs());
    TRY(start_agents());
    TRY(get_contexts());
    auto loaded = load_definition(request_, log_);
    if (!loaded) {
      report_unparsed(loaded.error());
      return std::unexpected(std::move(loaded).error());
    }
    Definition definition = std::move(*loaded);
    dockerfile_ = std::move(definition.dockerfile);
    auto done = of_platforms(definition);
    if (!done && done.error().mark()) report(done.error());
    return done;
  }

 private:
  Result<> read_cache_specs() {
    for (const auto& text : request_.cache_from)
      for (CacheSpec& spec : TRY(parse_cache_spec(text, CacheSide::from))) cache_from_.push_back(std::move(spec));
    for (const auto& text : request_.cache_to)
      for (CacheSpec& spec : TRY(parse_cache_spec(text, CacheSide::to))) cache_to_.push_back(std::move(spec));
    return {};
  }

  // A Dockerfile that cannot be parsed.
  void report_unparsed(const Error& error) {
    if (!error.mark() || error.mark()->line == 0 || !environment_.failed) return;
    const Mark mark = *error.mark();
    const auto text = request_.dockerfile_inline ? Result<std::string>(*request_.dockerfile_inline)
                                                 : read_file(mark.file, max_dockerfile_bytes);
    if (!text) return;
    environment_.failed(
        {.title = {}, .output = {}, .file = mark.file, .text = *text, .line = mark.line, .end_line = mark.line});
  }

  // An error in the Dockerfile itself that no step has reported.
  void report(const Error& error) {
    const Mark& mark = *error.mark();
    if (shown_ || !environment_.failed || mark.file != dockerfile_.file) return;
    environment_.failed({.title = {},
                         .output = {},
                         .file = mark.file,
                         .text = dockerfile_.text,
                         .line = mark.line,
                         .end_line = mark.line});
  }

  // First of all, as in Docker: a build that could not sign later does not start.
  Result<> start_agents() {
    if (mode_ != Shared::Mode::build || request_.ssh.empty()) return {};
    std::string own;
    for (const std::string& entry : environment_.environment)
      if (entry.starts_with("SSH_AUTH_SOCK=")) own = entry.substr(entry.find('=') + 1);
    agents_ = TRY(SshAgents::start(request_.ssh, own, environment_.roots.run + "/build-" + random_id().substr(0, 16)));
    return {};
  }

  // Fetches remote contexts into directories of this build.
  Result<> get_contexts() {
    if (is_remote_context(request_.context)) {
      const FetchedContext fetched = TRY(get_context(request_.context));
      request_.context = fetched.directory;
      if (!fetched.file.empty()) request_.dockerfile_inline = TRY(read_file(fetched.file, max_dockerfile_bytes));
    }
    for (auto& context : request_.additional_contexts) {
      if (is_remote_context(context.value)) context.value = TRY(get_context(context.value)).directory;
    }
    return {};
  }

  Result<FetchedContext> get_context(const std::string& url) {
    // No network access if everything is only looked up.
    if (mode_ == Shared::Mode::look_only) return fail(Code::not_found, "find in build cache", url);
    auto step = log_.start("[internal] load remote build context " + url);
    auto fetched =
        fetch_context(url, scratch_ + "/context-" + std::to_string(++fetched_contexts_), environment_.cancel_fd);
    const bool stopped = !fetched && fetched.error().code() == Code::interrupted;
    step.end(fetched   ? StepState::done
             : stopped ? StepState::canceled
                       : StepState::error,
             fetched ? "" : fetched.error().message());
    return fetched;
  }

  Result<BuildResult> of_platforms(Definition& definition) {
    const std::string& network = request_.network;
    if (!network.empty() && network != "default" && network != "none" && network != "host")
      return fail(Error(Code::unsupported)
                      .why("network mode \"" + network + "\" not supported by buildkit")
                      .hint("a build's network is default, none or host"));
    const std::vector<image::Platform> platforms = TRY(wanted_platforms());
    OnceEach<CachedStep> together;
    const bool several = platforms.size() > 1;
    BuildEnvironment shared_environment = several ? for_several() : environment_;
    Common common{.request = request_,
                  .environment = shared_environment,
                  .log = log_,
                  .agents = agents_,
                  .dockerfile = dockerfile_,
                  .ignore = definition.ignore,
                  .mode = mode_,
                  .cache_from = cache_from_,
                  .inline_cache = wants_inline_cache(),
                  .stop = stop_,
                  .together = several ? &together : nullptr};
    std::vector<std::unique_ptr<PlatformBuild>> parts;
    for (const image::Platform& platform : platforms) {
      std::string scratch = several ? scratch_ + "/platform-" + std::to_string(parts.size()) : scratch_;
      parts.push_back(std::make_unique<PlatformBuild>(common, platform, std::move(scratch)));
      TRY(parts.back()->prepare());
    }
    if (request_.goal == Goal::image) TRY(execute(parts, definition));
    BuildResult result = merged(parts);
    if (request_.goal == Goal::image) TRY(make_images(parts, result));
    if (request_.goal == Goal::image && mode_ == Shared::Mode::build) TRY(export_all(parts));
    return result;
  }

  bool wants_inline_cache() const {
    return std::ranges::find(cache_to_, CacheSpec::Type::inline_, &CacheSpec::type) != cache_to_.end();
  }

  // The results for all platforms go into one cache.
  Result<> export_all(const std::vector<std::unique_ptr<PlatformBuild>>& parts) {
    CacheExport from{environment_.store, log_, {}, request_.directory, stop_.get_token()};
    for (const auto& part : parts) from.parts.push_back({part->graph(), part->made()});
    return export_caches(from, cache_to_);
  }

  // This machine's platform comes first: its image becomes the own image of the names.
  Result<std::vector<image::Platform>> wanted_platforms() const {
    const image::Platform host = image::Platform::host();
    std::vector<image::Platform> platforms;
    for (const std::string& text : request_.platforms) {
      const auto platform = image::Platform::parse(text);
      if (!platform) return fail(Error(Code::invalid).why(platform.error().message()));
      if (std::ranges::find(platforms, *platform) == platforms.end()) platforms.push_back(*platform);
    }
    if (platforms.empty()) platforms.push_back(host);
    std::ranges::stable_sort(platforms, std::ranges::greater{},
                             [&](const image::Platform& platform) { return image::match(host, platform); });
    return platforms;
  }

  // Serializes the environment's functions, because the builds of several platforms call them.
  BuildEnvironment for_several() {
    BuildEnvironment shared = environment_;
    if (environment_.pull) {
      shared.pull = [this](const std::string& reference, const std::string& platform, BasePull when) {
        const std::scoped_lock lock(mutex_);
        return environment_.pull(reference, platform, when);
      };
    }
    if (environment_.network) {
      shared.network = [this]() -> Result<BuildEnvironment::Network> {
        const std::scoped_lock lock(mutex_);
        auto network = TRY(environment_.network());
        if (network.release)
          network.release = [this, release = std::move(network.release)] {
            const std::scoped_lock again(mutex_);
            release();
          };
        return network;
      };
    }
    if (environment_.failed) {
      shared.failed = [this](const StepFailure& failure) {
        const std::scoped_lock lock(mutex_);
        if (!std::exchange(told_, true)) environment_.failed(failure);
      };
    }
    return shared;
  }

  Result<> execute(const std::vector<std::unique_ptr<PlatformBuild>>& parts, Definition& definition) {
    Cache cache = TRY(Cache::open(environment_.store));
    std::optional<SourceTree> context;
    if (const std::string directory = TRY(context_directory(parts, definition)); !directory.empty())
      // Without links and dots: an index is kept by its name.
      context = TRY(open_context(TRY(real_path(directory, "open build context")), std::move(definition.ignore),
                                 environment_.roots));
    SourceTree* tree = context ? &*context : nullptr;
    auto done = parts.size() == 1 ? parts.front()->execute(tree, cache) : execute_all(parts, tree, cache);
    if (context) (void)context->save_index();  // valid even if the build failed
    for (const auto& part : parts) {
      shown_ = shown_ || part->shown();
      if (!miss_) miss_ = part->miss();
    }
    return done;
  }

  // A remote context is fetched only now, when the steps and the files that they need are known.
  Result<std::string> context_directory(const std::vector<std::unique_ptr<PlatformBuild>>& parts,
                                        const Definition& definition) {
    if (!environment_.remote.context || definition.context.empty()) return definition.context;
    std::vector<std::string> paths;
    for (const auto& part : parts) part->add_context_paths(paths);
    if (paths.empty()) return std::string();
    std::ranges::sort(paths);
    paths.erase(std::ranges::unique(paths).begin(), paths.end());
    if (std::ranges::find(paths, ".") != paths.end()) paths.clear();
    return environment_.remote.context(paths);
  }

  // The first failure stops the others.
  Result<> execute_all(const std::vector<std::unique_ptr<PlatformBuild>>& parts, SourceTree* context, Cache& cache) {
    std::optional<Error> error;
    {
      std::vector<std::jthread> threads;
      for (const auto& part : parts) {
        threads.emplace_back([&, build = part.get()] {
          auto done = build->execute(context, cache);
          if (done) return;
          {
            const std::scoped_lock lock(mutex_);
            // "Interrupted" is mostly a consequence of another platform's failure.
            if (!error || error->code() == Code::interrupted) error.emplace(std::move(done).error());
          }
          stop_.request_stop();
        });
      }
    }
    if (error) return std::unexpected(std::move(*error));
    return {};
  }

  BuildResult merged(const std::vector<std::unique_ptr<PlatformBuild>>& parts) const {
    BuildResult result;
    result.dockerfile_text = dockerfile_.text;
    for (const auto& part : parts) {
      const BuildResult& one = part->result();
      for (const Warning& warning : one.warnings) {
        const bool known = std::ranges::any_of(result.warnings, [&](const Warning& other) {
          return other.message == warning.message && other.at.line == warning.at.line;
        });
        if (!known || parts.size() == 1) result.warnings.push_back(warning);
      }
      result.explanations.insert(result.explanations.end(), one.explanations.begin(), one.explanations.end());
      result.steps_total += one.steps_total;
      result.steps_cached += one.steps_cached;
    }
    return result;
  }

  Result<> make_images(const std::vector<std::unique_ptr<PlatformBuild>>& parts, BuildResult& result) {
    std::vector<BuildOutput> outputs{{{}, request_.tags, request_.labels}};
    outputs.insert(outputs.end(), request_.more_outputs.begin(), request_.more_outputs.end());
    for (const BuildOutput& output : outputs) {
      const std::string id = TRY(make_image(parts, output, result));
      if (result.image_id.empty()) result.image_id = id;
    }
    return {};
  }

  // Returns the id of the first platform's image.
  Result<std::string> make_image(const std::vector<std::unique_ptr<PlatformBuild>>& parts, const BuildOutput& output,
                                 BuildResult& result) {
    ProgressEvent event;
    event.text = "exporting to image";
    event.stage = "internal";
    event.image = output.name;
    auto step = log_.start(std::move(event), ProgressLog::Announce::now);
    std::vector<image::Reference> names;
    for (const auto& tag : output.tags) {
      auto name = image::Reference::parse(tag);
      if (!name) return fail(Error(Code::invalid).why("invalid tag \"" + tag + "\": " + name.error().message()));
      names.push_back(std::move(*name));
      result.tags.push_back(names.back().full());
    }
    std::string said, first;
    for (const auto& part : parts) {
      image::ImageConfig config = part->config();
      for (const auto& [key, value] : output.labels) config.labels[key] = value;
      if (mode_ == Shared::Mode::look_only) return identify(std::move(config), part->layers());
      const auto image = TRY(environment_.store.create_image(
          std::move(config), part->layers(), names, first.empty() ? image::Naming::alone : image::Naming::beside));
      said += "writing image " + image.id + (parts.size() > 1 ? " for " + part->platform().text() : "") + " done\n";
      if (first.empty()) first = image.id;
    }
    for (const auto& name : names) said += "naming to " + name.full() + " done\n";
    step.output(said, false);
    step.end(StepState::done);
    return first;
  }

  // The id that create_image would return, if every layer's digest is already known, as it is after a build.
  Result<std::string> identify(image::ImageConfig config, const std::vector<std::string>& layers) {
    for (const auto& id : layers) {
      const auto layer = TRY(environment_.store.layer(id));
      if (!layer.diff_id) return std::string();
      config.diff_ids.push_back(*layer.diff_id);
    }
    return image::Digest::of(image::format_config(config)).text();
  }

  BuildRequest request_;
  BuildEnvironment environment_;
  ProgressLog log_;
  Dockerfile dockerfile_;
  std::string scratch_;
  std::vector<CacheSpec> cache_from_, cache_to_;
  SshAgents agents_;
  std::stop_source stop_;
  std::mutex mutex_;  // for the environment's functions, because builds of several platforms call them
  int fetched_contexts_ = 0;
  bool shown_ = false, told_ = false;
  std::optional<std::string> miss_;  // look_only: the reason why a step must run again
  Shared::Mode mode_ = Shared::Mode::build;
};

}  // namespace

Result<BuildResult> build(const BuildRequest& request, BuildEnvironment& environment) {
  return Build(request, environment).run();
}

Result<std::optional<std::string>> why_outdated(const BuildRequest& request, BuildEnvironment& environment,
                                                const std::string& image_id) {
  return Build(request, environment).why_outdated(image_id);
}

}  // namespace consort::build

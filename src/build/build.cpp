#include "build/build.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <stop_token>
#include <thread>

#include "base/os/file.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "build/cache_spec.hpp"
#include "build/internal/cache_export.hpp"
#include "build/internal/cache_import.hpp"
#include "build/internal/definition.hpp"
#include "build/internal/folder.hpp"
#include "build/internal/stage_run.hpp"
#include "build/plan/checks.hpp"
#include "build/plan/graph.hpp"
#include "build/plan/stage_plan.hpp"

namespace consort::build {
namespace {

// Asks for the end of everything when the caller's descriptor becomes readable.
class CancelWatch {
 public:
  CancelWatch(int cancel_fd, std::stop_source stop) {
    if (cancel_fd < 0) return;
    done_.reset(::eventfd(0, EFD_CLOEXEC));
    thread_ = std::jthread([cancel_fd, stop = std::move(stop), done = done_.get()]() mutable {
      pollfd waits[2] = {{cancel_fd, POLLIN, 0}, {done, POLLIN, 0}};
      while (::poll(waits, 2, -1) < 0 && errno == EINTR) {
      }
      if (waits[0].revents != 0) stop.request_stop();
    });
  }
  ~CancelWatch() {
    const std::uint64_t one = 1;
    if (done_ && ::write(done_.get(), &one, sizeof one) < 0) std::abort();  // a write to an eventfd of ours
  }

 private:
  Fd done_;
  std::jthread thread_;  // ends before done_ is closed
};

class Build {
 public:
  Build(const BuildRequest& request, BuildEnvironment& environment)
      : request_(request), environment_(environment), log_([this](const ProgressEvent& event) {
          if (environment_.progress) environment_.progress(event);
        }) {}

  // Everything is looked up, nothing is run.
  Result<std::optional<std::string>> why_outdated(const std::string& image_id) {
    mode_ = Shared::Mode::look_only;
    environment_.progress = {};
    environment_.failed = {};
    const auto done = run();
    if (miss_) return miss_;
    if (!done && done.error().code() == Code::not_found) return std::nullopt;  // not built here, or forgotten
    if (!done) return fail(Error(done.error().code(), done.error().message()));
    if (done->image_id.empty() || done->image_id == image_id) return std::nullopt;
    return "its sources give another image";
  }

  Result<BuildResult> run() {
    const image::Session session = TRY(environment_.store.session());
    const image::LayerDraft scratch = TRY(environment_.store.new_layer());  // swept if we die
    scratch_ = scratch.directory();
    const CancelWatch watch(environment_.cancel_fd, stop_);
    TRY(read_cache_specs());
    TRY(get_contexts());
    Definition definition = TRY(load_definition(request_, log_));
    dockerfile_ = std::move(definition.dockerfile);
    auto done = checked(definition);
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

  // An error of the Dockerfile itself, which no step has shown.
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

  // Contexts from elsewhere become folders of this build's own.
  Result<> get_contexts() {
    if (is_remote_context(request_.context)) {
      const FetchedContext fetched = TRY(get_context(request_.context));
      request_.context = fetched.folder;
      if (!fetched.file.empty()) request_.dockerfile_inline = TRY(read_file(fetched.file, max_dockerfile_bytes));
    }
    for (auto& context : request_.additional_contexts) {
      if (is_remote_context(context.value)) context.value = TRY(get_context(context.value)).folder;
    }
    return {};
  }

  Result<FetchedContext> get_context(const std::string& url) {
    // Nobody else is asked when all is only looked up.
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

  Result<BuildResult> checked(Definition& definition) {
    const std::string& network = request_.network;
    if (!network.empty() && network != "default" && network != "none" && network != "host")
      return fail(Error(Code::unsupported)
                      .why("network mode \"" + network + "\" not supported by buildkit")
                      .hint("a build's network is default, none or host"));
    Checks checks = TRY(Checks::of(dockerfile_));
    BuildFile file = TRY(interpret(dockerfile_));
    check_text(dockerfile_, file, checks);
    const auto platform = request_.platforms.empty() ? Result<image::Platform>(image::Platform::host())
                                                     : image::Platform::parse(request_.platforms.front());
    Graph graph = TRY(make_graph(dockerfile_, std::move(file), request_, TRY(wrapped(platform)), checks));
    TRY(plan(graph, definition.ignore, checks));
    BuildResult result;
    result.warnings = checks.warnings();
    result.dockerfile_text = dockerfile_.text;
    if (checks.is_error()) {
      return fail(Error(Code::invalid)
                      .why("lint violation found for rules: " + rule_names(checks))
                      .at(checks.warnings().front().at));
    }
    if (request_.goal == Goal::check_only) return result;
    return execute(graph, std::move(definition), std::move(result));
  }

  static Result<image::Platform> wrapped(const Result<image::Platform>& platform) {
    if (!platform) return fail(Error(Code::invalid).why(platform.error().message()));
    return *platform;
  }

  static std::string rule_names(const Checks& checks) {
    std::vector<std::string> names;
    for (const auto& warning : checks.warnings()) {
      if (std::ranges::find(names, warning.rule) == names.end()) names.push_back(warning.rule);
    }
    return join(names, ", ");
  }

  struct BaseImage {
    image::ImageConfig config;
    FilesState files;
  };

  Result<image::Image> find_image(const Node& node, const std::string& platform) {
    if (!environment_.pull) return environment_.store.find(node.image);
    const std::scoped_lock lock(pull_mutex_);
    const std::string id = TRY(environment_.pull(node.image, platform, request_.pull));
    return environment_.store.find(id);
  }

  // From an OCI layout beside the context.
  Result<BaseImage> load_layout(const Graph& graph, const Node& node) {
    auto step = log_.start("[internal] load metadata for " + node.image);
    auto image = image_of_layout(node.image, request_.directory, node.platform.value_or(graph.platform),
                                 environment_.store, stop_.get_token());
    if (!image) {
      step.end(stop_.stop_requested() ? StepState::canceled : StepState::error, image.error().message());
      Error error = Error(image.error().code()).why(node.image + ": " + image.error().message());
      return fail(std::move(error).hint(image.error().hint_text()).at(mark_of(graph.file, node.range)));
    }
    step.end(StepState::done);
    return base_of(std::move(image->config), image->layers);
  }

  static BaseImage base_of(image::ImageConfig config, const std::vector<image::LayerInfo>& layers) {
    BaseImage base;
    base.config = std::move(config);
    base.files.chain = "image";
    for (const auto& diff_id : base.config.diff_ids) base.files.chain = sha256_hex(base.files.chain + diff_id.text());
    for (const auto& layer : layers) {
      base.files.layers.ids.push_back(layer.id);
      base.files.layers.folders.push_back(layer.directory);
    }
    return base;
  }

  Result<BaseImage> load_image(const Graph& graph, const Node& node) {
    if (node.image.starts_with(layout_scheme)) return load_layout(graph, node);
    const auto reference = image::Reference::parse(node.image);
    const std::string shown = reference ? reference->full() : node.image;
    auto step = log_.start("[internal] load metadata for " + shown);
    auto image = reference ? find_image(node, node.platform.value_or(graph.platform).text())
                           : Result<image::Image>(fail(Error(Code::invalid)
                                                           .why("failed to parse stage name \"" + node.image +
                                                                "\": invalid reference format")));
    if (!image) {
      const std::string why =
          reference ? node.image + ": failed to resolve source metadata for " + shown + ": " + image.error().message()
                    : image.error().message();
      step.end(StepState::error, why);
      Error error = Error(image.error().code()).why(why).hint(image.error().hint_text());
      return fail(std::move(error).at(mark_of(graph.file, node.range)));
    }
    BaseImage base = base_of(TRY(environment_.store.config_of(*image)), TRY(environment_.store.layers_of(*image)));
    step.end(StepState::done);
    return base;
  }

  // Configurations first: they decide what variables mean, and may add instructions (ONBUILD).
  Result<> load_bases(Graph& graph) {
    bases_.resize(graph.nodes.size());
    for (bool again = true; again;) {
      again = false;
      for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        if (!graph.nodes[i].reachable || graph.nodes[i].base != Node::Base::image || bases_[i]) continue;
        bases_[i] = TRY(load_image(graph, graph.nodes[i]));
        const auto triggers = bases_[i]->config.on_build;
        if (triggers.empty() || graph.nodes[i].implicit) continue;
        TRY(prepend_triggers(graph, i, triggers, request_));
        bases_.resize(graph.nodes.size());
        again = true;
      }
    }
    return {};
  }

  Result<> plan(Graph& graph, const PatternList& ignore, Checks& checks) {
    TRY(load_bases(graph));
    plans_.resize(graph.nodes.size());
    std::vector<char> done;
    for (bool again = true;
         std::exchange(again, false);) {  // triggers may make more nodes reachable, also earlier ones
      for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        done.resize(graph.nodes.size());
        if (!graph.nodes[i].reachable || std::exchange(done[i], 1)) continue;
        TRY(plan_node(graph, i, ignore, checks));
        again = true;
      }
    }
    return {};
  }

  Result<> plan_node(Graph& graph, std::size_t i, const PatternList& ignore, Checks& checks) {
    PlanInput input{.graph = graph, .request = request_, .node = i, .base = {}, .escape = dockerfile_.escape};
    if (!ignore.empty() && !ignore.has_negated())
      input.ignored = [&](const std::string& path) { return ignore.matches(path); };
    if (graph.nodes[i].base == Node::Base::stage) {
      const std::size_t parent = graph.nodes[i].parent;
      input.base = plans_[parent].plan.config;
      TRY(add_stage_triggers(graph, i, input.base.on_build));  // nodes and plans may move
      input.parent = &plans_[parent];
    } else if (bases_[i]) {
      input.base = bases_[i]->config;
    }
    if (graph.nodes[i].implicit) {
      plans_[i].plan.config = input.base;
    } else {
      plans_[i] = TRY(plan_stage(input, checks));
    }
    return {};
  }

  // ONBUILD of a stage of this file fires in the stages that begin with it.
  Result<> add_stage_triggers(Graph& graph, std::size_t node, const std::vector<std::string>& triggers) {
    if (triggers.empty()) return {};
    TRY(prepend_triggers(graph, node, triggers, request_));
    bases_.resize(graph.nodes.size());
    plans_.resize(graph.nodes.size());
    return load_bases(graph);
  }

  Result<BuildResult> execute(const Graph& graph, Definition definition, BuildResult result) {
    Cache cache = TRY(Cache::open(environment_.store));
    std::optional<SourceTree> context;
    if (!definition.context.empty())
      context = TRY(open_context(TRY(real_path(definition.context)), std::move(definition.ignore), environment_.roots));
    const Fd stop(::eventfd(0, EFD_CLOEXEC));
    if (!stop) return fail_errno("make event");
    Shared shared{.request = request_,
                  .environment = environment_,
                  .graph = graph,
                  .plans = plans_,
                  .dockerfile = dockerfile_,
                  .cache = cache,
                  .log = log_,
                  .context = context ? &*context : nullptr,
                  .cancel_fd = stop.get(),
                  .mode = mode_,
                  .scratch = scratch_,
                  .result = std::move(result)};
    CacheImports imports(environment_.store, log_, cache_from_, request_.directory, graph.platform,
                         shared.transfers.get_token());
    if (!cache_from_.empty()) shared.imports = &imports;
    StageRuns runs(shared);
    TRY(set_bases(graph, runs, cache));
    {
      const std::stop_callback stopped(stop_.get_token(), [&runs] { runs.cancel(); });
      auto done = runs.run();
      if (context) (void)context->save_index();  // what was learned stays true
      if (!done) {
        miss_ = shared.miss;
        shown_ = true;
        return std::unexpected(std::move(done).error());
      }
    }
    TRY(make_image(graph, runs, shared));
    if (mode_ == Shared::Mode::build)
      TRY(export_caches(
          {environment_.store, log_, graph, std::move(shared.made), request_.directory, stop_.get_token()}, cache_to_));
    return std::move(shared.result);
  }

  static Result<std::string> real_path(const std::string& path) {
    char* resolved = ::realpath(path.c_str(), nullptr);
    if (!resolved) return fail_errno("open build context", path);
    const std::unique_ptr<char, void (*)(void*)> owner(resolved, ::free);
    return std::string(resolved);
  }

  Result<> set_bases(const Graph& graph, StageRuns& runs, Cache& cache) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      if (!graph.nodes[i].reachable) continue;
      if (bases_[i]) {
        runs.set_base(i, bases_[i]->files);
        if (!plans_[i].plan.base_title.empty()) {
          log_.start(plans_[i].plan.base_title, graph.nodes[i].title, 1, plans_[i].plan.total).end(StepState::cached);
        }
      } else if (graph.nodes[i].base == Node::Base::directory) {
        const FolderLayer layer = TRY(layer_of_folder(TRY(real_path(graph.nodes[i].directory)), environment_, cache));
        FilesState files;
        files.layers.ids.push_back(layer.id);
        files.layers.folders.push_back(layer.folder);
        files.chain = layer.identity;
        runs.set_base(i, std::move(files));
      }
    }
    return {};
  }

  // Times in the configuration are those of the steps, so a build that is wholly cached gives the same image.
  void set_times(image::ImageConfig& config, const Graph& graph, const StageRuns& runs) const {
    std::vector<std::string> times(config.history.size());
    std::size_t node = graph.target;
    while (true) {
      const auto& operations = plans_[node].plan.operations;
      const auto& made = runs.finished(node).made;
      for (std::size_t i = 0; i < operations.size(); ++i) times[operations[i].history] = format_rfc3339(made[i]);
      if (graph.nodes[node].base != Node::Base::stage) break;
      node = graph.nodes[node].parent;
    }
    std::string last = bases_[node] ? bases_[node]->config.created : "";
    const auto& first = runs.finished(node).made;
    if (last.empty()) last = format_rfc3339(first.empty() ? system_now() : first.front());
    for (std::size_t i = 0; i < times.size(); ++i) {
      if (!config.history[i].created.empty()) continue;
      if (!times[i].empty()) last = times[i];
      config.history[i].created = last;
    }
    config.created = last;
  }

  bool wants_inline_cache() const {
    return std::ranges::find(cache_to_, CacheSpec::Type::inline_, &CacheSpec::type) != cache_to_.end();
  }

  // The layer of a folder that a stage begins with has no instruction; BuildKit names it after the last step.
  void add_missing_history(image::ImageConfig& config, const Graph& graph, const StageRuns& runs) const {
    const auto told = std::ranges::count_if(config.history, [](const auto& entry) { return !entry.empty_layer; });
    const auto& operations = plans_[graph.target].plan.operations;
    for (auto i = static_cast<std::size_t>(told); i < runs.finished(graph.target).files.layers.ids.size(); ++i) {
      config.history.push_back({.created = config.created,
                                .created_by = operations.empty() ? "" : operations.back().title,
                                .author = {},
                                .comment = "buildkit.exporter.image.v0",
                                .empty_layer = false});
    }
  }

  Result<> make_image(const Graph& graph, const StageRuns& runs, Shared& shared) {
    BuildResult& result = shared.result;
    auto step = log_.start("exporting to image");
    image::ImageConfig config = plans_[graph.target].plan.config;
    set_times(config, graph, runs);
    add_missing_history(config, graph, runs);
    for (const auto& [key, value] : request_.labels) config.labels[key] = value;
    config.platform = graph.nodes[graph.target].platform.value_or(config.platform);
    std::vector<image::Reference> names;
    for (const auto& tag : request_.tags) {
      auto name = image::Reference::parse(tag);
      if (!name) return fail(Error(Code::invalid).why("invalid tag \"" + tag + "\": " + name.error().message()));
      names.push_back(std::move(*name));
      result.tags.push_back(names.back().full());
    }
    config.diff_ids.clear();
    if (wants_inline_cache())
      config.build_cache =
          format_inline_records(inline_records(graph, shared.made, runs.finished(graph.target).files.layers.ids));
    if (mode_ == Shared::Mode::look_only) return identify(std::move(config), runs, graph, result);
    const auto image =
        TRY(environment_.store.create_image(std::move(config), runs.finished(graph.target).files.layers.ids, names));
    result.image_id = image.id;
    std::string said = "writing image " + image.id + " done\n";
    for (const auto& name : names) said += "naming to " + name.full() + " done\n";
    step.output(said, false);
    step.end(StepState::done);
    return {};
  }

  // The id that create_image would give, if every layer's digest is known already; they are for what was built.
  Result<> identify(image::ImageConfig config, const StageRuns& runs, const Graph& graph, BuildResult& result) {
    for (const auto& id : runs.finished(graph.target).files.layers.ids) {
      const auto layer = TRY(environment_.store.layer(id));
      if (!layer.diff_id) return {};
      config.diff_ids.push_back(*layer.diff_id);
    }
    result.image_id = image::Digest::of(image::format_config(config)).text();
    return {};
  }

  BuildRequest request_;
  BuildEnvironment environment_;
  ProgressLog log_;
  Dockerfile dockerfile_;
  std::string scratch_;
  std::vector<PlannedStage> plans_;
  std::vector<std::optional<BaseImage>> bases_;
  std::mutex pull_mutex_;
  std::vector<CacheSpec> cache_from_, cache_to_;
  std::stop_source stop_;
  int fetched_contexts_ = 0;
  bool shown_ = false;
  std::optional<std::string> miss_;  // look_only: why a step must be run again
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

#include "build/solve/platform_build.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/os/files/real_path.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "build/cache/records.hpp"
#include "build/context/directory.hpp"
#include "build/solve/outline.hpp"

namespace consort::build {

Result<> PlatformBuild::prepare() {
  Checks checks = TRY(Checks::of(dockerfile_));
  BuildFile file = TRY(interpret(dockerfile_));
  check_text(dockerfile_, file, checks);
  graph_ = TRY(make_graph(dockerfile_, std::move(file), request_, platform_, checks));
  if (common_.together) graph_.platforms = Graph::Platforms::several;
  TRY(plan(graph_, common_.ignore, checks));
  result_.warnings = checks.warnings();
  if (checks.is_error()) {
    return fail(Error(Code::invalid)
                    .why("lint violation found for rules: " + rule_names(checks))
                    .at(checks.warnings().front().at));
  }
  tell_outline();
  return {};
}

void PlatformBuild::tell_outline() const {
  if (!environment_.planned) return;
  std::vector<std::string> ids(graph_.nodes.size());
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (const auto& base = bases_[i]) ids[i] = base->id;
  environment_.planned(outline(dockerfile_, graph_, plans_, ids));
}

void PlatformBuild::add_context_paths(std::vector<std::string>& paths) const {
  const auto add = [&](const std::string& path) {
    std::string clean = clean_path("/" + path).substr(1);
    paths.push_back(clean.empty() ? "." : std::move(clean));
  };
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (!graph_.nodes[i].reachable) continue;
    for (const Operation& operation : plans_[i].plan.operations) {
      if (const auto* copy = std::get_if<CopyOperation>(&operation.action); copy && !copy->from) {
        for (const CopySource& source : copy->sources)
          if (source.kind == CopySource::Kind::path) add(copy->wildcards ? source.text : ".");
      } else if (const auto* run = std::get_if<RunOperation>(&operation.action)) {
        for (const PlannedMount& planned : run->mounts)
          if (planned.mount.type == RunMount::Type::bind && !planned.from) add(planned.mount.source);
      }
    }
  }
}

Result<> PlatformBuild::execute(SourceTree* context, Cache& cache) {
  const Fd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return fail_errno("make event");
  TRY(make_directories(scratch_, 0700));
  Shared shared{.request = request_,
                .environment = environment_,
                .graph = graph_,
                .plans = plans_,
                .dockerfile = dockerfile_,
                .cache = cache,
                .log = log_,
                .agents = common_.agents,
                .together = common_.together,
                .context = context,
                .cancel_fd = stop.get(),
                .mode = mode_,
                .scratch = scratch_,
                .result = std::move(result_)};
  CacheImports imports(environment_.store, log_, common_.cache_from, request_.directory, platform_,
                       shared.transfers.get_token());
  if (!common_.cache_from.empty()) shared.imports = &imports;
  StageRuns runs(shared);
  TRY(set_bases(graph_, runs, cache));
  const std::stop_callback stopped(common_.stop.get_token(), [&runs] { runs.cancel(); });
  auto done = runs.run();
  result_ = std::move(shared.result);
  if (!done) {
    miss_ = shared.miss;
    shown_ = true;
    return std::unexpected(std::move(done).error());
  }
  config_ = plans_[graph_.target].plan.config;
  set_times(config_, graph_, runs);
  add_missing_history(config_, graph_, runs);
  config_.platform = graph_.nodes[graph_.target].platform.value_or(config_.platform);
  config_.diff_ids.clear();
  layers_ = runs.finished(graph_.target).files.layers.ids;
  made_ = std::move(shared.made);
  if (common_.inline_cache) config_.build_cache = format_inline_records(inline_records(graph_, made_, layers_));
  return {};
}

std::string PlatformBuild::rule_names(const Checks& checks) {
  std::vector<std::string> names;
  for (const auto& warning : checks.warnings()) {
    if (std::ranges::find(names, warning.rule) == names.end()) names.push_back(warning.rule);
  }
  return join(names, ", ");
}

Result<image::Image> PlatformBuild::find_image(const Node& node, const std::string& platform) {
  if (!environment_.pull) return environment_.store.find(node.image, TRY(image::Platform::parse(platform)));
  const std::string id = TRY(environment_.pull(node.image, platform, request_.pull));
  return environment_.store.find(id);
}

Result<BaseImage> PlatformBuild::load_image(const Graph& graph, const Node& node) {
  const std::string platform = node.platform.value_or(graph.platform).text();
  if (const auto known = common_.bases.find({node.image, platform}); known != common_.bases.end()) return known->second;
  BaseImage base =
      TRY(node.image.starts_with(layout_scheme) ? load_layout(graph, node) : load_image(graph, node, platform));
  common_.bases.emplace(std::pair(node.image, platform), base);
  return base;
}

Result<BaseImage> PlatformBuild::load_image(const Graph& graph, const Node& node, const std::string& platform) {
  const auto reference = image::Reference::parse(node.image);
  const std::string shown = reference ? reference->full() : node.image;
  auto step = log_.start("[" + (common_.together ? platform + " " : "") + "internal] load metadata for " + shown);
  auto image = reference
                   ? find_image(node, platform)
                   : Result<image::Image>(
                         fail(Error(Code::invalid)
                                  .why("failed to parse stage name \"" + node.image + "\": invalid reference format")));
  if (!image) {
    Error error = std::move(image).error();
    if (reference) error = std::move(error).wrap(node.image + ": failed to resolve source metadata for " + shown);
    step.end(StepState::error, error.message());
    return fail(std::move(error).at(mark_of(graph.file, node.range)));
  }
  BaseImage base = base_of(TRY(environment_.store.config_of(*image)), TRY(environment_.store.layers_of(*image)));
  base.id = image->id;
  step.end(StepState::done);
  return base;
}

// Loads a base image from an OCI layout that was passed as a context.
Result<BaseImage> PlatformBuild::load_layout(const Graph& graph, const Node& node) {
  auto step = log_.start("[internal] load metadata for " + node.image);
  auto image = image_of_layout(node.image, request_.directory, node.platform.value_or(graph.platform),
                               environment_.store, common_.stop.get_token());
  if (!image) {
    step.end(common_.stop.stop_requested() ? StepState::canceled : StepState::error, image.error().message());
    return fail(std::move(image).error().wrap(node.image).at(mark_of(graph.file, node.range)));
  }
  step.end(StepState::done);
  return base_of(std::move(image->config), image->layers);
}

BaseImage PlatformBuild::base_of(image::ImageConfig config, const std::vector<image::LayerInfo>& layers) {
  BaseImage base;
  base.config = std::move(config);
  base.files.chain = "image";
  for (const auto& diff_id : base.config.diff_ids) base.files.chain = sha256_hex(base.files.chain + diff_id.text());
  for (const auto& layer : layers) {
    base.files.layers.ids.push_back(layer.id);
    base.files.layers.directories.push_back(layer.directory);
  }
  return base;
}

// Configurations come first: they determine variables, and may add instructions (ONBUILD).
Result<> PlatformBuild::load_bases(Graph& graph) {
  bases_.resize(graph.nodes.size());
  for (bool again = true; again;) {
    again = false;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      if (!graph.nodes[i].reachable || graph.nodes[i].base != Node::Base::image || bases_[i]) continue;
      BaseImage base = TRY(load_image(graph, graph.nodes[i]));
      const auto triggers = base.config.on_build;
      bases_[i] = std::move(base);
      if (triggers.empty() || graph.nodes[i].implicit) continue;
      TRY(prepend_triggers(graph, i, triggers, request_));
      bases_.resize(graph.nodes.size());
      again = true;
    }
  }
  return {};
}

Result<> PlatformBuild::plan(Graph& graph, const PatternList& ignore, Checks& checks) {
  TRY(load_bases(graph));
  plans_.resize(graph.nodes.size());
  std::vector<char> done;
  for (bool again = true; std::exchange(again, false);) {  // triggers may make more nodes reachable, even earlier ones
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      done.resize(graph.nodes.size());
      if (!graph.nodes[i].reachable || std::exchange(done[i], 1)) continue;
      TRY(plan_node(graph, i, ignore, checks));
      again = true;
    }
  }
  return {};
}

Result<> PlatformBuild::plan_node(Graph& graph, std::size_t i, const PatternList& ignore, Checks& checks) {
  PlanInput input{.graph = graph, .request = request_, .node = i, .base = {}, .escape = dockerfile_.escape};
  if (!ignore.empty() && !ignore.has_negated())
    input.ignored = [&](const std::string& path) { return ignore.matches(path); };
  if (graph.nodes[i].base == Node::Base::stage) {
    const std::size_t parent = graph.nodes[i].parent;
    input.base = plans_[parent].plan.config;
    TRY(add_stage_triggers(graph, i, input.base.on_build));  // nodes and plans may move
    input.parent = &plans_[parent];
  } else if (const auto& base = bases_[i]) {
    input.base = base->config;
  }
  if (graph.nodes[i].implicit) {
    plans_[i].plan.config = input.base;
  } else {
    plans_[i] = TRY(plan_stage(input, checks));
  }
  return {};
}

// ONBUILD of a stage in this file triggers in the stages that are based on it.
Result<> PlatformBuild::add_stage_triggers(Graph& graph, std::size_t node, const std::vector<std::string>& triggers) {
  if (triggers.empty()) return {};
  TRY(prepend_triggers(graph, node, triggers, request_));
  bases_.resize(graph.nodes.size());
  plans_.resize(graph.nodes.size());
  return load_bases(graph);
}

Result<> PlatformBuild::set_bases(const Graph& graph, StageRuns& runs, Cache& cache) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!graph.nodes[i].reachable) continue;
    if (const auto& base = bases_[i]) {
      runs.set_base(i, base->files);
      if (const std::string& title = plans_[i].plan.base_title; !title.empty() && common_.is_first(title)) {
        log_.start(title, graph.nodes[i].title, 1, plans_[i].plan.total).end(StepState::cached);
      }
    } else if (graph.nodes[i].base == Node::Base::directory) {
      const DirectoryLayer layer =
          TRY(layer_of_directory(TRY(real_path(graph.nodes[i].directory, "open build context")), environment_, cache));
      FilesState files;
      files.layers.ids.push_back(layer.id);
      files.layers.directories.push_back(layer.directory);
      files.chain = layer.identity;
      runs.set_base(i, std::move(files));
    }
  }
  return {};
}

// Times in the configuration are those of the steps, so that a fully cached build produces the same image.
void PlatformBuild::set_times(image::ImageConfig& config, const Graph& graph, const StageRuns& runs) const {
  std::vector<std::string> times(config.history.size());
  std::size_t node = graph.target;
  while (true) {
    const auto& operations = plans_[node].plan.operations;
    const auto& made = runs.finished(node).made;
    for (std::size_t i = 0; i < operations.size(); ++i) times[operations[i].history] = format_rfc3339(made[i]);
    if (graph.nodes[node].base != Node::Base::stage) break;
    node = graph.nodes[node].parent;
  }
  const auto& base = bases_[node];
  std::string last = base ? base->config.created : "";
  const auto& first = runs.finished(node).made;
  if (last.empty()) last = format_rfc3339(first.empty() ? system_now() : first.front());
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (!config.history[i].created.empty()) continue;
    if (!times[i].empty()) last = times[i];
    config.history[i].created = last;
  }
  config.created = last;
}

// The layer of a directory that a stage is based on has no instruction; BuildKit lists it after the last step.
void PlatformBuild::add_missing_history(image::ImageConfig& config, const Graph& graph, const StageRuns& runs) const {
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

}  // namespace consort::build

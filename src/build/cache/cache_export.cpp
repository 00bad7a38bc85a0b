#include "build/cache/cache_export.hpp"

#include <algorithm>
#include <map>

#include "base/os/files/file.hpp"
#include "image/artifact.hpp"

namespace consort::build {
namespace {

constexpr std::size_t max_layers = 512;  // in a manifest

// The stages that make up the image: its own, and those on which it is based.
std::set<std::size_t> stages_of_image(const Graph& graph) {
  std::set<std::size_t> stages{graph.target};
  for (std::size_t node = graph.target; graph.nodes[node].base == Node::Base::stage; node = graph.nodes[node].parent)
    stages.insert(graph.nodes[node].parent);
  return stages;
}

// Threads finish in any order; the same build must produce the same text.
void sort_steps(std::vector<MadeStep>& steps) {
  std::ranges::sort(steps, {}, [](const MadeStep& step) { return std::pair(step.node, step.number); });
}

struct Collected {
  CacheRecords records;
  std::vector<image::LayerInfo> layers;
};

Result<Collected> collect(const CacheExport& from, CacheSpec::Mode mode) {
  std::vector<MadeStep> steps;
  for (const CacheExport::Part& part : from.parts) {
    const std::set<std::size_t> stages = stages_of_image(part.graph);
    std::vector<MadeStep> own = part.steps;
    if (mode == CacheSpec::Mode::min)
      std::erase_if(own, [&](const MadeStep& step) { return !stages.contains(step.node); });
    sort_steps(own);
    steps.insert(steps.end(), own.begin(), own.end());
  }
  Collected result;
  std::set<std::string> keys;
  std::map<image::Digest, std::size_t> places;
  for (const MadeStep& step : steps) {
    if (!keys.insert(step.key).second) continue;
    if (from.cancel.stop_requested()) return fail(Code::interrupted, "export build cache");
    const image::Digest diff_id = TRY(from.store.diff_id(step.result.layer));
    const auto [place, fresh] = places.try_emplace(diff_id, result.layers.size());
    if (fresh) {
      if (result.layers.size() == max_layers)
        return fail(Error(Code::unsupported, "export build cache").why("it has more than 512 layers"));
      result.layers.push_back(TRY(from.store.layer(step.result.layer)));
      result.records.diff_ids.push_back(diff_id);
    }
    result.records.steps.push_back({step.key, step.result.output, step.result.created, place->second});
  }
  return result;
}

Result<image::Digest> write(const CacheExport& from, const CacheSpec& to, ProgressLog::Step& step) {
  const Collected collected = TRY(collect(from, to.mode));
  const image::NewArtifact artifact{std::string(cache_config_type), format_records(collected.records),
                                    collected.layers};
  if (to.type == CacheSpec::Type::local)
    return image::write_artifact(from.store, join_path(from.directory, to.directory),
                                 to.tag.empty() ? "latest" : to.tag, artifact, from.cancel);
  image::PushOptions options;
  options.cancel = from.cancel;
  const image::Progress progress = [&](const image::ProgressEvent& event) {
    if (event.id.empty()) return;
    if (event.phase == image::Phase::done) step.output("writing layer " + event.id + " done\n", false);
    if (event.phase == image::Phase::exists) step.output("layer " + event.id + " is there already\n", false);
  };
  return image::push_artifact(from.store, TRY(image::Reference::parse(to.reference)), artifact, options, progress);
}

}  // namespace

Result<> export_caches(const CacheExport& from, const std::vector<CacheSpec>& to) {
  for (const CacheSpec& spec : to) {
    if (spec.type == CacheSpec::Type::inline_ || spec.type == CacheSpec::Type::unsupported) continue;
    const bool local = spec.type == CacheSpec::Type::local;
    auto step = from.log.start(local ? "exporting cache to client directory" : "exporting cache to registry");
    auto digest = write(from, spec, step);
    if (digest) {
      step.output("writing cache manifest " + digest->text() + " done\n", false);
      step.end(StepState::done);
      continue;
    }
    const bool stopped = from.cancel.stop_requested();
    step.end(stopped ? StepState::canceled : StepState::error, digest.error().message());
    if (stopped) return fail(Code::interrupted, "export build cache");
    if (spec.on_error == CacheSpec::OnError::fail)
      return fail(std::move(digest).error().wrap("export build cache", local ? spec.directory : spec.reference));
  }
  return {};
}

std::vector<CacheRecord> inline_records(const Graph& graph, std::vector<MadeStep> steps,
                                        const std::vector<std::string>& layers) {
  sort_steps(steps);
  const std::set<std::size_t> stages = stages_of_image(graph);
  std::vector<CacheRecord> records;
  for (const MadeStep& step : steps) {
    const auto layer = std::ranges::find(layers, step.result.layer);
    if (!stages.contains(step.node) || layer == layers.end()) continue;
    records.push_back(
        {step.key, step.result.output, step.result.created, static_cast<std::size_t>(layer - layers.begin())});
  }
  return records;
}

}  // namespace consort::build

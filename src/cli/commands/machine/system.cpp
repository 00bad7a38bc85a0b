// system df, prune and info; container prune and builder prune: show what is stored, and remove what is unused.
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"
#include "base/time.hpp"
#include "base/version.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/prune_output.hpp"
#include "cli/render/template.hpp"
#include "cli/workspace.hpp"
#include "engine/files.hpp"
#include "engine/images.hpp"
#include "engine/in_use.hpp"
#include "engine/prune.hpp"

namespace consort::cli {

namespace {

using Containers = std::vector<engine::Container>;

// One line of `system df`.
struct Usage {
  std::string type;
  std::size_t total = 0, active = 0;
  std::uint64_t size = 0, reclaimable = 0;
};

Result<std::uint64_t> reclaimable(engine::Engine& engine, image::PruneOptions::Images images,
                                  engine::ImagePrune::BuildCache cache) {
  engine::ImagePrune prune;
  prune.what.images = images;
  prune.build_cache = cache;
  return TRY(engine.images().prune(prune)).reclaimed;
}

Result<Usage> usage_of_images(engine::Engine& engine, const Containers& containers) {
  Usage usage{.type = "Images"};
  std::set<std::string> used;
  struct Layer {
    std::uint64_t size = 0;
    bool used = false;
  };
  std::map<std::string, Layer> layers;  // shared by several images
  for (const engine::Container& container : containers) used.insert(container.image_id);
  for (const image::Image& image : TRY(engine.images().list())) {
    const bool active = used.contains(image.id);
    ++usage.total;
    if (active) ++usage.active;
    for (const image::LayerInfo& layer : TRY(engine.images().layers_of(image))) {
      layers[layer.id].size = layer.size;
      layers[layer.id].used |= active;
    }
  }
  for (const auto& [id, layer] : layers) {
    usage.size += layer.size;
    if (!layer.used) usage.reclaimable += layer.size;
  }
  return usage;
}

Result<Usage> usage_of_cache(engine::Engine& engine) {
  Usage usage{.type = "Build Cache"};
  const auto with = TRY(reclaimable(engine, image::PruneOptions::Images::none, engine::ImagePrune::BuildCache::forget));
  const auto without =
      TRY(reclaimable(engine, image::PruneOptions::Images::none, engine::ImagePrune::BuildCache::keep));
  usage.size = usage.reclaimable = with > without ? with - without : 0;
  return usage;
}

Usage usage_of_containers(engine::Engine& engine, const Containers& containers) {
  Usage usage{.type = "Containers", .total = containers.size()};
  for (const engine::Container& container : containers) {
    const std::uint64_t bytes = engine.files().own_bytes(container.id);
    usage.size += bytes;
    if (container.state.running())
      ++usage.active;
    else
      usage.reclaimable += bytes;
  }
  return usage;
}

Result<Usage> usage_of_volumes(engine::Engine& engine) {
  Usage usage{.type = "Local Volumes"};
  const auto used = TRY(engine::volumes_in_use(engine));
  for (const engine::Volume& volume : TRY(engine.list_volumes())) {
    const std::uint64_t bytes = tree_bytes(volume.mountpoint);
    ++usage.total;
    usage.size += bytes;
    if (used.contains(volume.spec.name))
      ++usage.active;
    else
      usage.reclaimable += bytes;
  }
  return usage;
}

FormatRow row_of(const Usage& usage) {
  std::string back = human_bytes_decimal(usage.reclaimable);
  if (usage.size > 0) back += " (" + std::to_string(std::min(usage.reclaimable, usage.size) * 100 / usage.size) + "%)";
  return {{"Type", "TYPE", usage.type, ""},
          {"TotalCount", "TOTAL", std::to_string(usage.total), ""},
          {"Active", "ACTIVE", std::to_string(usage.active), ""},
          {"Size", "SIZE", human_bytes_decimal(usage.size), ""},
          {"Reclaimable", "RECLAIMABLE", back, ""}};
}

Result<std::uint64_t> prune_images(engine::Engine& engine, image::PruneOptions::Images images, bool dry_run) {
  engine::ImagePrune prune;
  prune.what.images = images;
  prune.build_cache = engine::ImagePrune::BuildCache::forget;
  if (images != image::PruneOptions::Images::none) prune.ended = engine::ImagePrune::Ended::go;  // removed first
  if (!dry_run) prune.what.mode = image::PruneOptions::Mode::act;
  const image::PruneReport report = TRY(engine.images().prune(prune));
  for (const image::PruneItem& item : report.items)
    if (item.kind == image::PruneItem::Kind::image && item.needed_by.empty())
      print_out((dry_run ? "Would remove: " : "Deleted: ") + (item.name.empty() ? item.id : item.name) + "\n");
  return report.reclaimed;
}

std::string free_space(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return "unknown";
  return human_bytes_decimal(info.f_bavail * info.f_frsize) + " of " +
         human_bytes_decimal(info.f_blocks * info.f_frsize);
}

}  // namespace

Result<int> run_system_df(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  engine::Engine& engine = workspace->engine();
  const Containers containers = TRY(engine.list());
  std::vector<FormatRow> rows;
  rows.push_back(row_of(TRY(usage_of_images(engine, containers))));
  rows.push_back(row_of(usage_of_containers(engine, containers)));
  rows.push_back(row_of(TRY(usage_of_volumes(engine))));
  rows.push_back(row_of(TRY(usage_of_cache(engine))));
  const std::vector<std::string> columns{"Type", "TotalCount", "Active", "Size", "Reclaimable"};
  print_out(TRY(format_rows(invocation.flags.text("format", "table"), rows, columns, row_of(Usage{}))));
  return 0;
}

Result<int> run_system_prune(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  engine::Engine& engine = workspace->engine();
  const bool all = invocation.flags.on("all");
  const bool volumes = invocation.flags.on("volumes");
  std::string what =
      "This will remove:\n  - all stopped containers\n  - all networks not used by at least one container\n";
  if (volumes) what += "  - all anonymous volumes not used by at least one container\n";
  what += all ? "  - all images without at least one container associated to them\n" : "  - all dangling images\n";
  what += "  - all build cache\n";
  if (!confirm_prune(invocation, what)) return 0;
  const auto mode = invocation.dry_run ? engine::PruneMode::plan_without_stopped : engine::PruneMode::act;
  std::uint64_t bytes = 0;
  bool all_gone = true;
  const auto tell = [&](const std::string& kind, PrunedBy by, const engine::Pruned& pruned) {
    all_gone = print_pruned(invocation, kind, by, pruned) && all_gone;
    bytes += pruned.bytes;
  };
  tell("Containers", PrunedBy::id, TRY(engine::prune_containers(engine, mode)));
  tell("Networks", PrunedBy::name, TRY(engine::prune_networks(engine, mode)));
  if (volumes) tell("Volumes", PrunedBy::name, TRY(engine::prune_volumes(engine, mode, engine::NamedVolumes::keep)));
  bytes += TRY(prune_images(engine, all ? image::PruneOptions::Images::unused : image::PruneOptions::Images::untagged,
                            invocation.dry_run));
  print_reclaimed(invocation, bytes);
  return all_gone ? 0 : 1;
}

Result<int> run_system_info(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  engine::Engine& engine = workspace->engine();
  const Containers containers = TRY(engine.list());
  const auto count = [&](engine::Status status) {
    return std::ranges::count(containers, status, [](const engine::Container& each) { return each.state.status; });
  };
  const auto running = count(engine::Status::running);
  const auto paused = count(engine::Status::paused);
  std::set<std::string> projects;
  for (const engine::Container& container : containers) projects.insert(container.project);
  utsname system{};
  ::uname(&system);
  const std::size_t images = TRY(engine.images().list()).size();
  const std::string& data = engine.roots().data;
  const std::vector<std::pair<std::string, Json>> facts{
      {"Server Version", version},
      {"Projects", projects.size()},
      {"Containers", containers.size()},
      {"Running", running},
      {"Paused", paused},
      {"Stopped", static_cast<std::ptrdiff_t>(containers.size()) - running - paused},
      {"Images", images},
      {"Storage Driver", "overlay2"},
      {"Cgroup Version", path_exists("/sys/fs/cgroup/cgroup.controllers") ? "2" : "1"},
      {"Kernel Version", system.release},
      {"Architecture", system.machine},
      {"Name", system.nodename},
      {"Data Root", data},
      {"Run Root", engine.roots().run},
      {"Free Space", free_space(data)}};
  if (invocation.flags.text("format") == "json") {
    Json object = Json::object();
    for (const auto& [name, value] : facts) {
      std::string key = name;
      std::erase(key, ' ');
      object[key] = value;
    }
    print_out(dump_json(object) + "\n");
    return 0;
  }
  for (const auto& [name, value] : facts)
    print_out(name + ": " + (value.is_string() ? value.get<std::string>() : dump_json(value)) + "\n");
  return 0;
}

Result<int> run_container_prune(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  if (!confirm_prune(invocation, "This will remove all stopped containers.")) return 0;
  const engine::Pruned pruned = TRY(engine::prune_containers(workspace->engine(), prune_mode(invocation)));
  const bool all_gone = print_pruned(invocation, "Containers", PrunedBy::id, pruned);
  print_reclaimed(invocation, pruned.bytes);
  return all_gone ? 0 : 1;
}

Result<int> run_builder_prune(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  if (!confirm_prune(invocation, "This will remove all build cache.")) return 0;
  print_reclaimed(invocation,
                  TRY(prune_images(workspace->engine(), image::PruneOptions::Images::none, invocation.dry_run)));
  return 0;
}

}  // namespace consort::cli

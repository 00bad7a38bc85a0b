// system df, prune and info; container prune and builder prune: show what is stored, and remove what is unused.
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/trees/folder.hpp"
#include "base/time.hpp"
#include "base/version.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/remove_each.hpp"
#include "cli/render/confirm.hpp"
#include "cli/render/template.hpp"
#include "cli/workspace.hpp"
#include "engine/images.hpp"
#include "engine/networks_in_use.hpp"

namespace consort::cli {

namespace {

using Containers = std::vector<engine::Container>;

// One line of `system df`.
struct Usage {
  std::string type;
  std::size_t total = 0, active = 0;
  std::uint64_t size = 0, reclaimable = 0;
};

std::uint64_t own_bytes(engine::Engine& engine, const engine::Container& container) {
  return tree_bytes(engine.roots().container(container.id) + "/upper");
}

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
    const std::uint64_t bytes = own_bytes(engine, container);
    usage.size += bytes;
    if (container.state.running())
      ++usage.active;
    else
      usage.reclaimable += bytes;
  }
  return usage;
}

Result<Usage> usage_of_volumes(engine::Engine& engine, const Containers& containers) {
  Usage usage{.type = "Local Volumes"};
  std::set<std::string> used;
  for (const engine::Container& container : containers)
    for (const engine::MountPoint& mount : container.mounts) used.insert(mount.name);
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

// Removes stopped containers; returns the bytes they used.
Result<std::uint64_t> prune_containers(engine::Engine& engine, bool dry_run) {
  std::uint64_t bytes = 0;
  std::string deleted;
  for (const engine::Container& container : TRY(engine.list())) {
    if (container.state.running()) continue;
    const std::uint64_t own = own_bytes(engine, container);
    if (dry_run)
      print_out("Would remove: " + container.name + "\n");
    else if (!TRY(unused_removed(engine.remove_container(container.id))))
      continue;
    bytes += own;
    deleted += container.id + "\n";
  }
  if (!deleted.empty() && !dry_run) print_out("Deleted Containers:\n" + deleted + "\n");
  return bytes;
}

// Networks without any container. A dry run has not removed the stopped ones, which go before.
Result<> prune_networks(engine::Engine& engine, bool dry_run) {
  const std::set<std::string> used =
      TRY(engine::networks_in_use(engine, dry_run ? engine::Users::running : engine::Users::all));
  std::string deleted;
  for (const engine::Network& network : TRY(engine.list_networks())) {
    if (engine::is_built_in(network) || used.contains(network.id)) continue;
    if (dry_run)
      print_out("Would remove: " + network.spec.name + "\n");
    else if (TRY(unused_removed(engine.remove_network(network.id))))
      deleted += network.spec.name + "\n";
  }
  if (!deleted.empty()) print_out("Deleted Networks:\n" + deleted + "\n");
  return {};
}

Result<std::uint64_t> prune_volumes(engine::Engine& engine, bool dry_run) {
  std::set<std::string> used;
  for (const engine::Container& container : TRY(engine.list()))
    if (!dry_run || container.state.running())
      for (const engine::MountPoint& mount : container.mounts) used.insert(mount.name);
  std::uint64_t bytes = 0;
  std::string deleted;
  for (const engine::Volume& volume : TRY(engine.list_volumes())) {
    // As in Docker: a volume that somebody has named is not removed here.
    if (used.contains(volume.spec.name) || !volume.anonymous) continue;
    const std::uint64_t size = tree_bytes(volume.mountpoint);
    if (dry_run)
      print_out("Would remove: " + volume.spec.name + "\n");
    else if (!TRY(unused_removed(engine.remove_volume(volume.spec.name))))
      continue;
    bytes += size;
    deleted += volume.spec.name + "\n";
  }
  if (!deleted.empty() && !dry_run) print_out("Deleted Volumes:\n" + deleted + "\n");
  return bytes;
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

bool is_wanted(const Invocation& invocation, const std::string& warning) {
  return invocation.dry_run || invocation.flags.on("force") ||
         confirm(invocation.terminal, "WARNING! " + warning + "\nAre you sure you want to continue?", Answer::no);
}

void print_sum(const Invocation& invocation, std::uint64_t bytes) {
  print_out((invocation.dry_run ? "Would reclaim: " : "Total reclaimed space: ") + human_bytes_decimal(bytes) + "\n");
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
  rows.push_back(row_of(TRY(usage_of_volumes(engine, containers))));
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
  if (!is_wanted(invocation, what)) return 0;
  std::uint64_t bytes = TRY(prune_containers(engine, invocation.dry_run));
  TRY(prune_networks(engine, invocation.dry_run));
  if (volumes) bytes += TRY(prune_volumes(engine, invocation.dry_run));
  bytes += TRY(prune_images(engine, all ? image::PruneOptions::Images::unused : image::PruneOptions::Images::untagged,
                            invocation.dry_run));
  print_sum(invocation, bytes);
  return 0;
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
  if (!is_wanted(invocation, "This will remove all stopped containers.")) return 0;
  print_sum(invocation, TRY(prune_containers(workspace->engine(), invocation.dry_run)));
  return 0;
}

Result<int> run_builder_prune(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  if (!is_wanted(invocation, "This will remove all build cache.")) return 0;
  print_sum(invocation, TRY(prune_images(workspace->engine(), image::PruneOptions::Images::none, invocation.dry_run)));
  return 0;
}

}  // namespace consort::cli

// image rm and prune: shows what is removed, what stays, and which containers use it.
#include "base/strings.hpp"
#include "base/time.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/render/confirm.hpp"
#include "cli/render/table.hpp"
#include "cli/workspace.hpp"
#include "engine/images.hpp"

namespace consort::cli {

namespace {

using image::PruneItem;

const char* kind_of(const PruneItem& item) {
  switch (item.kind) {
    case PruneItem::Kind::image:
      return "image";
    case PruneItem::Kind::layer:
      return "layer";
    case PruneItem::Kind::blob:
      return "packed layer";
    case PruneItem::Kind::leftover:
      return "leftover";
  }
  return "";
}

std::string name_of(const PruneItem& item) {
  if (!item.name.empty()) return item.name;
  return item.id.starts_with("sha256:") ? item.id.substr(7, 12) : item.id.substr(0, 12);
}

// The size of each item, and the users of items that stay. The many layers of the build cache are one line.
std::string plan_table(const image::PruneReport& plan) {
  std::vector<std::vector<std::string>> rows{{"ACTION", "KIND", "NAME", "SIZE", "NEEDED BY"}};
  std::size_t cached = 0;
  std::uint64_t cached_bytes = 0;
  for (const PruneItem& item : plan.items) {
    if (item.kind == PruneItem::Kind::layer && !item.needed_by.empty()) {
      ++cached;
      cached_bytes += item.size;
      continue;
    }
    rows.push_back({item.needed_by.empty() ? "remove" : "keep", kind_of(item), name_of(item),
                    human_bytes_decimal(item.size), join(item.needed_by, ", ")});
  }
  if (cached > 0)
    rows.push_back({"keep", "layers", std::to_string(cached), human_bytes_decimal(cached_bytes), "the build cache"});
  return rows.size() > 1 ? format_table(rows, object_table) : std::string();
}

}  // namespace

Result<int> run_image_rm(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  engine::Images images = workspace->engine().images();
  const auto force = invocation.flags.on("force") ? engine::Force::yes : engine::Force::no;
  for (const std::string& name : invocation.arguments) {
    const image::RemoveReport report = TRY(images.remove(name, force));
    for (const std::string& untagged : report.untagged) print_out("Untagged: " + untagged + "\n");
    for (const std::string& deleted : report.deleted) print_out("Deleted: " + deleted + "\n");
  }
  return 0;
}

Result<int> run_image_prune(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  const bool all = invocation.flags.on("all");
  const bool cache = invocation.flags.on("build-cache");
  engine::ImagePrune prune;
  prune.what.images = all ? image::PruneOptions::Images::unused : image::PruneOptions::Images::untagged;
  if (cache) prune.build_cache = engine::ImagePrune::BuildCache::forget;
  engine::Images images = workspace->engine().images();
  if (!invocation.flags.on("force") || invocation.dry_run) {
    const image::PruneReport plan = TRY(images.prune(prune));
    const std::string sum = human_bytes_decimal(plan.reclaimed);
    if (invocation.dry_run) {
      print_out(plan_table(plan) + "Would reclaim: " + sum + "\n");
      return 0;
    }
    print_err(plan_table(plan));
    std::string what = all ? "all images without a container" : "dangling images";
    if (cache) what += " and the build cache";
    if (!confirm(invocation.terminal, "Remove " + what + " (" + sum + ")?", Answer::no)) return 0;
  }
  prune.what.mode = image::PruneOptions::Mode::act;
  const image::PruneReport report = TRY(images.prune(prune));
  for (const PruneItem& item : report.items)
    if (item.kind == PruneItem::Kind::image && item.needed_by.empty()) print_out("Deleted: " + name_of(item) + "\n");
  print_out("Total reclaimed space: " + human_bytes_decimal(report.reclaimed) + "\n");
  if (report.others_active) print_err("Another command is using images; what it may need was kept.\n");
  return 0;
}

}  // namespace consort::cli

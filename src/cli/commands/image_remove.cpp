// image rm and prune: what goes, what stays, and who needs it.
#include <algorithm>
#include <chrono>
#include <memory>
#include <set>

#include "base/strings.hpp"
#include "base/time.hpp"
#include "build/cache/cache.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/render/confirm.hpp"
#include "cli/render/table.hpp"
#include "cli/workspace.hpp"
#include "image/prune_plan.hpp"
#include "image/store.hpp"

namespace consort::cli {

namespace {

using image::PruneItem;

// The owners of holds by the names that people know.
Result<image::ImageUsers> users_of(engine::Engine& engine) {
  auto containers = std::make_shared<std::vector<engine::Container>>(TRY(engine.list()));
  return [containers](const image::Image& image, const std::vector<std::string>& owners) {
    std::vector<std::string> users;
    std::set<std::string> named;
    for (const engine::Container& container : *containers) {
      if (container.image_id != image.id) continue;
      users.push_back("container " + container.name + " (" + std::string(to_string(container.state.status)) + ")");
      named.insert("container:" + container.id);
    }
    for (const std::string& owner : owners)
      if (!named.contains(owner)) users.push_back(owner.starts_with("build:") ? "the build cache" : owner);
    return users;
  };
}

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

// What each thing costs, and who needs what stays. The many layers of the build cache are one line.
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
  image::Store& store = workspace->engine().images();
  const auto removal = invocation.flags.on("force") ? image::Store::Removal::force : image::Store::Removal::normal;
  const image::ImageUsers users = TRY(users_of(workspace->engine()));
  for (const std::string& name : invocation.arguments) {
    const image::RemoveReport report = TRY(store.remove(name, removal, users));
    for (const std::string& untagged : report.untagged) print_out("Untagged: " + untagged + "\n");
    for (const std::string& deleted : report.deleted) print_out("Deleted: " + deleted + "\n");
  }
  return 0;
}

namespace {

Result<> forget_build_cache(image::Store& store) {
  build::Cache cache = TRY(build::Cache::open(store));
  TRY(cache.prune(system_now() + std::chrono::hours(1)));
  return {};
}

}  // namespace

Result<int> run_image_prune(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  image::PruneOptions options;
  const bool all = invocation.flags.on("all");
  options.images = all ? image::PruneOptions::Images::unused : image::PruneOptions::Images::untagged;
  image::Store& store = workspace->engine().images();
  const image::ImageUsers users = TRY(users_of(workspace->engine()));
  if (!invocation.flags.on("force") || invocation.dry_run) {
    const std::string forgotten = invocation.flags.on("build-cache") ? "build:" : "";
    const image::PruneReport plan = TRY(image::plan_prune(store, options.images, users, forgotten));
    const std::string sum = human_bytes_decimal(plan.reclaimed);
    if (invocation.dry_run) {
      print_out(plan_table(plan) + "Would reclaim: " + sum + "\n");
      return 0;
    }
    print_err(plan_table(plan));
    std::string what = all ? "all images without a container" : "nameless images";
    if (invocation.flags.on("build-cache")) what += " and the build cache";
    if (!confirm(invocation.terminal, "Remove " + what + " (" + sum + ")?", Answer::no)) return 0;
  }
  if (invocation.flags.on("build-cache")) TRY(forget_build_cache(store));
  options.mode = image::PruneOptions::Mode::act;
  const image::PruneReport report = TRY(store.prune(options, users));
  for (const PruneItem& item : report.items)
    if (item.kind == PruneItem::Kind::image && item.needed_by.empty()) print_out("Deleted: " + name_of(item) + "\n");
  print_out("Total reclaimed space: " + human_bytes_decimal(report.reclaimed) + "\n");
  if (report.others_active)
    print_err("Another command is working with images: what it may need was left for the next prune.\n");
  return 0;
}

}  // namespace consort::cli

// Selects the steps to be removed when the cache has to shrink.
#include <sys/statvfs.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "build/cache.hpp"
#include "build/cache/cache.hpp"
#include "image/prune_plan.hpp"

namespace consort::build {

namespace {

using Sizes = std::map<std::string, std::uint64_t>;

// Layers that are used only by the cache.
Result<Sizes> sizes_of_own_layers(const image::Store& store) {
  Sizes sizes;
  const auto report = TRY(image::plan_prune(store, image::PruneOptions::Images::none, {}, "build:"));
  for (const image::PruneItem& item : report.items)
    if (item.kind == image::PruneItem::Kind::layer && item.needed_by.empty()) sizes[item.id] = item.size;
  return sizes;
}

Result<std::uint64_t> free_bytes(const std::string& directory) {
  struct statvfs st {};
  if (::statvfs(directory.c_str(), &st) != 0) return fail_errno("look at file system of", directory);
  return std::uint64_t{st.f_bavail} * st.f_frsize;
}

class Selection {
 public:
  Selection(std::vector<Cache::Known> steps, Sizes sizes) : steps_(std::move(steps)), sizes_(std::move(sizes)) {
    for (const Cache::Known& step : steps_) {
      ++made_on_[step.base];
      ++users_[step.layer];
    }
    for (const auto& [layer, users] : users_) used_ += size_of(layer);
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (!steps_[i].chain.empty()) by_chain_[steps_[i].chain].push_back(i);
      if (may_go(steps_[i])) last_.insert(i);
    }
  }

  std::uint64_t used() const { return used_; }

  std::vector<std::string> until(std::uint64_t keep, SystemTime unused_since) {
    std::vector<std::string> keys;
    while (!last_.empty() && used_ >= keep) {
      const std::size_t next = *last_.begin();  // they are in the order of last use
      if (steps_[next].used >= unused_since) break;
      last_.erase(last_.begin());
      keys.push_back(steps_[next].key);
      drop(steps_[next]);
    }
    return keys;
  }

 private:
  std::uint64_t size_of(const std::string& layer) const {
    const auto found = sizes_.find(layer);
    return found == sizes_.end() ? 0 : found->second;
  }
  // Removing a layer that others also use frees nothing.
  bool may_go(const Cache::Known& step) const {
    return sizes_.contains(step.layer) && (step.chain.empty() || !made_on_.contains(step.chain));
  }

  void drop(const Cache::Known& step) {
    if (--users_[step.layer] == 0) used_ -= size_of(step.layer);
    const auto others = made_on_.find(step.base);
    if (--others->second > 0) return;
    made_on_.erase(others);
    const auto below = by_chain_.find(step.base);
    if (below == by_chain_.end()) return;
    for (const std::size_t i : below->second)
      if (may_go(steps_[i])) last_.insert(i);
  }

  std::vector<Cache::Known> steps_;
  Sizes sizes_;
  std::map<std::string, std::size_t> made_on_;  // number of steps, by their base
  std::map<std::string, std::size_t> users_;    // number of steps, by their layer
  std::map<std::string, std::vector<std::size_t>> by_chain_;
  std::set<std::size_t> last_;  // steps that no other step is based on
  std::uint64_t used_ = 0;
};

}  // namespace

std::optional<std::uint64_t> bytes_to_keep(const CachePrune& prune, std::uint64_t used, std::uint64_t free) {
  std::optional<std::uint64_t> keep;
  if (prune.max_used > 0) keep = prune.max_used;
  if (prune.min_free > free) {
    const std::uint64_t lacking = prune.min_free - free;
    const std::uint64_t left = used - std::min(used, lacking);
    keep = std::min(keep.value_or(left), left);
  }
  // Only a minimum of free space was requested, and there is enough.
  if (!keep && prune.min_free > 0) return std::nullopt;
  return std::max(keep.value_or(0), prune.reserved);
}

Result<> forget_cache(image::Store& store, const CachePrune& prune) {
  Cache cache = TRY(Cache::open(store));
  const SystemTime unused_since = prune.unused_since.value_or(system_now() + std::chrono::hours(1));
  if (!prune.has_size()) {
    TRY(cache.prune(unused_since));
    return {};
  }
  Selection selection(TRY(cache.all()), TRY(sizes_of_own_layers(store)));
  const auto keep = bytes_to_keep(prune, selection.used(), TRY(free_bytes(store.roots().data)));
  if (!keep) return {};
  return cache.forget(selection.until(*keep, unused_since));
}

}  // namespace consort::build

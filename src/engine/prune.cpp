#include "engine/prune.hpp"

#include "base/os/trees/directory.hpp"
#include "engine/files.hpp"
#include "engine/in_use.hpp"

namespace consort::engine {

namespace {

Users users_in(PruneMode mode) {
  return mode == PruneMode::plan_without_stopped ? Users::running : Users::all;
}

void add(Pruned& pruned, Pruned::Item item) {
  pruned.bytes += item.bytes;
  pruned.items.push_back(std::move(item));
}

// Removes it, unless this is a plan, and keeps what has become of it.
template <typename Remove>
void prune(Pruned& pruned, PruneMode mode, Pruned::Item item, const Remove& remove) {
  const Result<> removed = mode == PruneMode::act ? remove(item.id) : Result<>();
  if (removed) return add(pruned, std::move(item));
  const Code code = removed.error().code();
  if (code != Code::conflict && code != Code::not_found) pruned.failed.push_back(removed.error());
}

// Nobody sees those, and they keep names and volumes from others.
void begin(Engine& engine, PruneMode mode, Pruned& pruned) {
  if (mode != PruneMode::act) return;
  if (const auto removed = engine.remove_left_behind(); !removed) pruned.failed.push_back(removed.error());
}

}  // namespace

Result<Pruned> prune_containers(Engine& engine, PruneMode mode, const std::function<bool(const Container&)>& only) {
  Pruned pruned;
  begin(engine, mode, pruned);
  for (const Container& container : TRY(engine.list())) {
    if (container.state.running() || (only && !only(container))) continue;
    const std::uint64_t bytes = engine.files().own_bytes(container.id);
    prune(pruned, mode, {container.id, container.name, bytes},
          [&](const std::string& id) { return engine.remove_container(id); });
  }
  return pruned;
}

Result<Pruned> prune_networks(Engine& engine, PruneMode mode, const std::function<bool(const Network&)>& only) {
  Pruned pruned;
  begin(engine, mode, pruned);
  const auto used = TRY(networks_in_use(engine, users_in(mode)));
  for (const Network& network : TRY(engine.list_networks())) {
    if (is_built_in(network) || used.contains(network.id) || (only && !only(network))) continue;
    prune(pruned, mode, {network.id, network.spec.name, 0},
          [&](const std::string& id) { return engine.remove_network(id); });
  }
  return pruned;
}

Result<Pruned> prune_volumes(Engine& engine, PruneMode mode, NamedVolumes named,
                             const std::function<bool(const Volume&)>& only) {
  Pruned pruned;
  begin(engine, mode, pruned);
  const auto used = TRY(volumes_in_use(engine, users_in(mode)));
  for (const Volume& volume : TRY(engine.list_volumes())) {
    const std::string& name = volume.spec.name;
    if (!volume.spec.driver_opts.empty()) continue;  // as in Docker: what it mounts is elsewhere
    if (used.contains(name) || (named == NamedVolumes::keep && !volume.anonymous) || (only && !only(volume))) continue;
    prune(pruned, mode, {name, name, tree_bytes(volume.mountpoint)},
          [&](const std::string& id) { return engine.remove_volume(id); });
  }
  return pruned;
}

}  // namespace consort::engine
